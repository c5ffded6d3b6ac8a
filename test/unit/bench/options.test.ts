import test from 'ava';
import { help, readOptions } from '../../../bench/options.ts';
import { Misuse } from '../../../cli/misuse.ts';

const known = ['echo', 'loss'];

test('without a name everything is measured, briefly; what is named, at its own pace', (t) => {
  const all = readOptions([], known);
  t.deepEqual(all.names, known);
  t.true(all.options.brief && all.options.saves);
  t.is(all.options.pace({ rounds: 15 }).rounds, 5);
  t.is(all.options.pace({ rounds: 15 }, { rounds: 1 }).rounds, 1);
  const one = readOptions(['loss'], known);
  t.deepEqual(one.names, ['loss']);
  t.true(one.options.saves && !one.options.brief);
  t.is(one.options.pace({ rounds: 15 }, { rounds: 1 }).rounds, 15);
});

test('what is asked for with options goes before every pace, and is not kept', (t) => {
  for (const args of [['--rounds', '2', '--ms', '30'], ['echo', '--rounds', '2', '--ms', '30']]) {
    const { options } = readOptions(args, known);
    const { rounds, ms } = options.pace({ rounds: 15, ms: 1_000 }, { rounds: 1 });
    t.deepEqual({ rounds, ms, saves: options.saves }, { rounds: 2, ms: 30, saves: false });
  }
  const { sizes, inFlight, only } = readOptions(
    ['echo', '--size', '0,64', '--in-flight', '1', '--only', 'zero'],
    known,
  ).options;
  t.deepEqual([sizes, inFlight], [[0, 64], [1]]);
  t.true(only?.test('ZeroMQ'));
  t.false(readOptions(['echo', '--objects'], known).options.saves);
});

test('a name or an option that means nothing is refused with a sentence', (t) => {
  const wrong = {
    nosuch: /there is no benchmark "nosuch", only echo, loss/,
    '--nope': /there is no option --nope/,
    '--rounds=0': /--rounds takes a whole number from 1 to 1000, not "0"/,
    '--in-flight=1,,2': /--in-flight takes a whole number/,
    '--only=(': /--only takes a regular expression/,
    '--against=/nowhere': /--against takes the folder of a build/,
    '--objects=1': /--objects takes no value/,
  };
  for (const [argument, message] of Object.entries(wrong)) {
    const error = t.throws(() => readOptions([argument], known), { instanceOf: Misuse, message });
    t.false(error!.message.includes('\n'));
  }
  t.true(help(known).join('\n').includes('echo, loss'));
});
