/**
 * The session frames: what stands inside the cn_msg between two peers that both run this protocol.
 * docs/PROTOCOL.md §3 is the specification; this file is its tables of offsets.
 *
 * A session datagram is one nlmsghdr that bundles cn_msg. The first is the *envelope*; in a DATA
 * datagram the others are the *messages*. `cn_msg.flags` says what each is, with the top bit set,
 * which no agent in the kernel uses: a bare peer's messages are told apart by it and by the magic
 * number.
 */

import { CN_MSG_HEADER } from './cnmsg.ts';
import { NLMSG_HEADER } from './nlmsg.ts';

/** Marks every cn_msg of a session datagram. */
export const SESSION_FLAG = 0x8000;

/** Envelope kinds (cn_msg.flags of the first cn_msg). */
export const OPEN = 0x8001;
export const OPENED = 0x8002;
export const REFUSED = 0x8003;
export const RESET = 0x8004;
export const DATA = 0x8005;
/** What a publisher tells: events, or only how far it has come. */
export const EVENT = 0x8006;
/** Asks a publisher how far it has come; answered by EVENT. */
export const ASK = 0x8007;

/** Message kinds (cn_msg.flags of the cn_msg after a DATA envelope). */
export const REQUEST = 0x8011;
export const REPLY = 0x8012;
export const CANCEL = 0x8013;
export const CLOSE = 0x8014;
export const PING = 0x8015;
/** A request that is answered when it is accepted, not when its handler has finished. */
export const SEND = 0x8016;
/** A part of the values that go with a request, from its caller, or with its reply. */
export const REQUEST_PIECE = 0x8017;
export const REPLY_PIECE = 0x8018;
/** How far the receiver of such parts lets their sender go. */
export const REQUEST_CREDIT = 0x8019;
export const REPLY_CREDIT = 0x801a;

/** The kind of the messages after an EVENT envelope: one event each. */
export const NEWS = 0x8020;

/**
 * "cnr" and the version of this format, 1. A peer of another version is refused, not guessed at.
 */
export const MAGIC = 0x636e7201;

/** Offsets from the start of the datagram. The first three fields are common to all envelopes. */
export const ENVELOPE_CN: number = NLMSG_HEADER;
export const ENVELOPE: number = NLMSG_HEADER + CN_MSG_HEADER;
/** u32, the magic number. */
export const AT_MAGIC: number = ENVELOPE;
/** u32, the session at the receiver; 0 in OPEN. */
export const AT_SESSION: number = ENVELOPE + 4;
/** u32, CRC-32 of all other bytes of the datagram; 0 where the transport keeps bytes intact. */
export const AT_CHECKSUM: number = ENVELOPE + 8;
/** u32, the session at the sender; 0 in REFUSED and RESET. */
export const AT_SOURCE: number = ENVELOPE + 12;

/** OPEN and OPENED. u32: the tag that the sender wants to see in datagrams to it. */
export const OPEN_TAG: number = ENVELOPE + 16;
/** u64 as two u32, high half first: the sender's incarnation. */
export const OPEN_INCARNATION: number = ENVELOPE + 20;
/** u32: the first datagram is numbered by this (low half, high half 0). */
export const OPEN_FIRST_NUMBER: number = ENVELOPE + 28;
/** u32: the sequence number of the sender's first message. */
export const OPEN_FIRST_SEQ: number = ENVELOPE + 32;
/** u32: truesize that the sender grants at first. */
export const OPEN_GRANT: number = ENVELOPE + 36;
/** u32: how far beyond the oldest undelivered message the sender's duplicate detection reaches. */
export const OPEN_WINDOW: number = ENVELOPE + 40;
/** u32: the longest value that the sender takes, bytes. */
export const OPEN_VALUE_MAX: number = ENVELOPE + 44;
/** u32: the credit of pieces that the sender grants under each of its calls from the start. */
export const OPEN_CREDIT: number = ENVELOPE + 48;
export const OPEN_LENGTH: number = ENVELOPE + 52;

/** REFUSED and RESET. u64: the sender's incarnation. */
export const REFUSAL_INCARNATION: number = ENVELOPE + 16;
/** u32: why, see `RefusalReason`. */
export const REFUSAL_REASON: number = ENVELOPE + 24;
export const REFUSAL_LENGTH: number = ENVELOPE + 28;

/** DATA. u32: high half of the datagram number, whose low half is cn_msg.seq. */
export const DATA_NUMBER_HIGH: number = ENVELOPE + 16;
/** u32: low half of the oldest own datagram whose fate the sender still waits for. */
export const DATA_FLOOR: number = ENVELOPE + 20;
/** u32: low half of the number up to which (exclusive) all is received, or was given up by you. */
export const DATA_ACK_BASE: number = ENVELOPE + 24;
/** u32: microseconds from the arrival of the newest datagram to this sending. */
export const DATA_ACK_DELAY: number = ENVELOPE + 28;
/** u32: truesize that the sender grants to be outstanding. */
export const DATA_GRANT: number = ENVELOPE + 32;
/** u16: datagrams that came after being given up, modulo 2^16: the peer lost patience too early. */
export const DATA_LATE: number = ENVELOPE + 36;
/** u16: zero. */
export const DATA_RESERVED: number = ENVELOPE + 38;
/** u32 words: which datagrams from the acknowledgement base on have come, low bit first. */
export const DATA_BITMAP: number = ENVELOPE + 40;

/**
 * EVENT and ASK; neither belongs to a session. u32: high half of the number of the first event in
 * the datagram, or of the next to come if there is none in it; all before it were published.
 */
export const EVENT_NUMBER_HIGH: number = AT_SESSION;
/** u64 as two u32, high half first: the stream, 64 random bits. 0: there is none. */
export const EVENT_STREAM: number = AT_SOURCE;
/** u32: low half of the number. */
export const EVENT_NUMBER: number = ENVELOPE + 20;
/** u32: milliseconds from the making of the stream to this sending; all ones: that or more. */
export const EVENT_AGE: number = ENVELOPE + 24;
/** u32: milliseconds within which the publisher will send again; 0: it need not. */
export const EVENT_WITHIN: number = ENVELOPE + 28;
/** u32: `EVENT_ENDED` or 0. */
export const EVENT_FLAGS: number = ENVELOPE + 32;
export const EVENT_LENGTH: number = ENVELOPE + 36;
/** Nothing will ever be published in this stream after what the number tells. */
export const EVENT_ENDED = 1;
export const AGE_MAX = 0xffff_ffff;

/** NEWS, offsets in the cn_msg payload. u8: length of the topic, which follows the header. */
export const NEWS_TOPIC_LENGTH = 0;
/** u8: how the value, which follows the topic, is written. */
export const NEWS_FORMAT = 1;
export const NEWS_HEADER = 4;

/**
 * How many datagrams a receiver keeps track of: the bitmap never has more words than this holds.
 */
export const TRACKED_DATAGRAMS = 512;
export const BITMAP_WORDS_MAX: number = TRACKED_DATAGRAMS / 32;

/**
 * REQUEST, offsets in the cn_msg payload. u32: microseconds left to the deadline; all ones: none.
 */
export const REQUEST_BUDGET = 0;
/** u16: the FIFO channel, 0 for none. */
export const REQUEST_CHANNEL = 4;
/** u8: length of the method's name, which follows the header. */
export const REQUEST_METHOD_LENGTH = 6;
/** u8: how the payload is written, see `Format`, and the three bits below. */
export const REQUEST_FORMAT = 7;
/** The payload is empty: the value comes in pieces. */
export const REQUEST_IN_PIECES = 0x80;
/** Further values follow in pieces, up to one that says that it is the end. */
export const REQUEST_STREAMS = 0x40;
/** The caller takes any number of values before the reply. */
export const REQUEST_TAKES_STREAM = 0x20;
export const FORMAT_MASK = 0x1f;
/** u32: the position in the channel, +1 per request or cancellation. */
export const REQUEST_POSITION = 8;
export const REQUEST_HEADER = 12;
export const BUDGET_NONE = 0xffff_ffff;

/** REPLY. u8: see `Status`. */
export const REPLY_STATUS = 0;
/** u8: how the payload is written, and the bit below. */
export const REPLY_FORMAT = 1;
/** Pieces came before: a u32 after the header says how many, modulo 2^32. */
export const REPLY_AFTER_PIECES = 0x80;
export const REPLY_HEADER = 4;
export const REPLY_COUNT_LENGTH = 4;

/** PIECE. u32: its position among those of its direction, from 0, modulo 2^32. */
export const PIECE_POSITION = 0;
/** u8: how the value is written. */
export const PIECE_FORMAT = 4;
/** u8: see the two bits below. */
export const PIECE_FLAGS = 5;
export const PIECE_HEADER = 8;
/** The value goes on in the next piece. */
export const PIECE_CONTINUES = 1;
/** It has no value: there are no further pieces. */
export const PIECE_END = 2;
/** What a piece costs of the credit besides its bytes, so that empty ones are not free. */
export const PIECE_COST = 64;

/** CREDIT. u32: what may have been sent in all, in cost, modulo 2^32. */
export const CREDIT_LIMIT = 0;
export const CREDIT_LENGTH = 4;

/** CANCEL: the channel and position of the request that it takes back, laid out as there. */
export const CANCEL_LENGTH: number = REQUEST_HEADER;

/** How a payload is written. */
export const FORMAT_BYTES = 0;
export const FORMAT_JSON = 1;
/** No payload: the value `undefined`. */
export const FORMAT_NONE = 2;

/** What a reply says. Everything but OK and APPLICATION states that the handler did not run. */
export const STATUS_OK = 0;
/** The handler threw; the payload is JSON `{message}`. */
export const STATUS_APPLICATION = 1;
export const STATUS_UNIMPLEMENTED = 2;
export const STATUS_BUSY = 3;
export const STATUS_EXPIRED = 4;
export const STATUS_CLOSED = 5;
/** The payload could not be read as its format says. */
export const STATUS_MALFORMED = 6;
/** The request ran and its reply is no longer kept. */
export const STATUS_EVICTED = 7;
/** A SEND in a channel is held; another reply says when its handler has ended. */
export const STATUS_ACCEPTED = 8;

/** Why a session was refused or reset. */
export const REASON_BUSY = 1;
export const REASON_DENIED = 2;
export const REASON_NO_SERVICE = 3;
export const REASON_CLOSED = 4;
/** No such session now, and none was ever lost: what is open in it did not run. */
export const REASON_UNKNOWN_SESSION = 5;
/** The session was given up with calls open in it. */
export const REASON_LOST_SESSION = 6;
