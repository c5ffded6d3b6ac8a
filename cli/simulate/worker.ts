import { playSeed } from './story.ts';

// A process that plays the seeds it is told to, one at a time, until its parent lets go of it.
process.on('message', (seed: number) => {
  void playSeed(seed).then((result) => process.send?.(result));
});
process.on('disconnect', () => process.exit());
// The parent decides when to stop; an interruption at the terminal reaches all of its children.
process.on('SIGINT', () => undefined).on('SIGTERM', () => undefined);
