import type { Place } from '../contestants/contestant.ts';
import { compile, moduleOf, OURS, rivalModule, type Starter } from './starters.ts';
import { startNative, startNode, type Player } from './player.ts';
import { startRelay, type Link, type Relay } from './relay.ts';

/** The library where no datagram is longer than Ethernet takes. */
export const ETHERNET: string = `${OURS}, 1,472 B`;
const ETHERNET_MAX = 1_472;

/** A contestant's way from its client to its server. */
export interface Lane {
  readonly relay: Relay;
  /** Whether it is measured on that link at all. */
  readonly plays: (link: Link) => boolean;
}

type Begin = (name: string, place: Place, folder: string) => Promise<Player>;

/** Who makes calls through lossy links. Each that starts enters its lane under its name. */
export function lossStarters(lanes: Map<string, Lane>): readonly Starter[] {
  const relays = new Map<string, string>();
  const through = (name: string, rival: boolean, begin: Begin, plays = always): Starter => ({
    name,
    rival,
    start: async (as, place, folder) => {
      const binary = relays.get(folder) ?? compile(folder, 'relay');
      relays.set(folder, binary);
      const relay = await startRelay(binary, place.port);
      try {
        const player = await begin(as, { ...place, through: relay.port }, folder);
        lanes.set(as, { relay, plays });
        const stop = (): void => {
          player.stop();
          relay.stop();
        };
        return { ...player, stop };
      } catch (error) {
        relay.stop();
        throw error;
      }
    },
  });
  const node =
    (module: URL): Begin =>
    (name, place) =>
      startNode(name, module, place);
  const library = node(moduleOf('library-udp'));
  const ethernet: Begin = (name, place, folder) =>
    library(name, { ...place, datagramMax: ETHERNET_MAX }, folder);
  const enet: Begin = async (name, place, folder) => {
    const where = { client: place.through, server: place.port };
    return startNative(name, compile(folder, 'enet', ['enet']), place, ['connect', 'serve'], where);
  };
  return [
    through(OURS, false, library),
    through(ETHERNET, false, ethernet, ({ rate }) => rate > 0),
    through('udx-native', true, node(rivalModule('udx'))),
    through('utp-native', true, node(rivalModule('utp'))),
    through('ENet', true, enet),
    // What is lost it never sends again: there is nothing to be measured where anything is.
    through('unreliable', false, node(moduleOf('datagram-frames')), ({ loss, rate }) =>
      loss + rate === 0),
  ];
}

function always(_link: Link): boolean {
  return true;
}
