import { isIPv4 } from 'node:net';
import { parseId, type ConnectorId } from '../core/id.ts';
import type { Range } from '../transport/faults.ts';

/** What the value of an option may be. */
export interface Kind<T> {
  /** Stands for the value in the help. */
  readonly placeholder: string;
  /** Ends the sentence "--option takes …". */
  readonly expects: string;
  /** Gives undefined for what is no such value. */
  readonly read: (text: string) => T | undefined;
}

/** Delays beyond this leave no time for a call before its own time is up. */
const DELAY_MAX_MS = 10_000;

/** A whole number in decimal digits; nothing else that `Number` would take. */
export function wholeNumber(least: number, most: number, placeholder = 'N'): Kind<number> {
  return {
    placeholder,
    expects: `a whole number from ${least} to ${most}`,
    read: (text) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
      return value >= least && value <= most ? value : undefined;
    },
  };
}

export const probability: Kind<number> = {
  placeholder: 'P',
  expects: 'a probability from 0 to 1',
  read: (text) => {
    const value = readDecimal(text);
    return value !== undefined && value <= 1 ? value : undefined;
  },
};

export const delay: Kind<Range> = {
  placeholder: 'MIN..MAX',
  expects: `MIN..MAX in milliseconds, 0 <= MIN <= MAX <= ${DELAY_MAX_MS}`,
  read: (text) => {
    const [min, max, ...rest] = text.split('..').map(readDecimal);
    if (min === undefined || max === undefined || rest.length > 0) return undefined;
    return min <= max && max <= DELAY_MAX_MS ? { min, max } : undefined;
  },
};

export const connectorId: Kind<ConnectorId> = {
  placeholder: 'IDX:VAL',
  expects: 'IDX:VAL, two whole numbers of 32 bits',
  read: (text) => {
    try {
      return parseId(text);
    } catch {
      return undefined;
    }
  },
};

export const ipv4: Kind<string> = {
  placeholder: 'ADDRESS',
  expects: 'an IPv4 address',
  read: (text) => (isIPv4(text) ? text : undefined),
};

export const hexBytes: Kind<Uint8Array> = {
  placeholder: 'PAYLOAD',
  expects: 'bytes, two hexadecimal digits each',
  read: readHex,
};

export function oneOf<const T extends string>(...choices: readonly T[]): Kind<T> {
  const list = choices.join(', ');
  return {
    placeholder: choices.join('|'),
    expects: choices.length === 1 ? `${list} and nothing else` : `one of ${list}`,
    read: (text) => choices.find((choice) => choice === text),
  };
}

/** Some of a few words, with commas between. */
export function someOf<const T extends string>(
  placeholder: string,
  choices: readonly T[],
): Kind<readonly T[]> {
  return {
    placeholder,
    expects: `some of ${choices.join(', ')}, with commas between`,
    read: (text) => {
      const words = text.split(',');
      const known = choices.filter((choice) => words.includes(choice));
      return words.every((word) => choices.some((choice) => choice === word)) ? known : undefined;
    },
  };
}

export const pattern: Kind<RegExp> = {
  placeholder: 'PATTERN',
  expects: 'a regular expression',
  read: (text) => {
    try {
      return new RegExp(text, 'u');
    } catch {
      return undefined;
    }
  },
};

/** Reads bytes in hexadecimal, with white space anywhere. Undefined where the text is none. */
export function readHex(text: string): Uint8Array | undefined {
  const digits = text.replace(/\s+/g, '');
  return /^([0-9a-f]{2})*$/i.test(digits) ? new Uint8Array(Buffer.from(digits, 'hex')) : undefined;
}

function readDecimal(text: string): number | undefined {
  return /^(\d{1,15}(\.\d{0,15})?|\.\d{1,15})$/.test(text) ? Number(text) : undefined;
}
