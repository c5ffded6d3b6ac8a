/** A straight line through values: how they grow. */
export interface Trend {
  readonly mean: number;
  /** From the first value to the last, by the line. */
  readonly growth: number;
  /** The standard error of that: less is noise. */
  readonly error: number;
}

/** Fits a line through values taken at equal distances, by least squares; two of them at least. */
export function trendOf(values: readonly number[]): Trend {
  const last = values.length - 1;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let products = 0;
  let squares = 0;
  values.forEach((value, index) => {
    const away = index - last / 2;
    products += away * (value - mean);
    squares += away * away;
  });
  const slope = products / squares;
  let residuals = 0;
  values.forEach((value, index) => {
    residuals += (value - mean - slope * (index - last / 2)) ** 2;
  });
  const error = Math.sqrt(residuals / Math.max(1, values.length - 2) / squares) * last;
  return { mean, growth: slope * last, error };
}
