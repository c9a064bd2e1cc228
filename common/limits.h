/* limits: every number that bounds something, each with its reason. PROTOCOL.md lists those that
 * other implementations must keep; they are marked (protocol). Sizes in bytes, times in ms. */
#ifndef COMMON_LIMITS_H
#define COMMON_LIMITS_H

/* (protocol) An Entry is about 200 bytes; 1 KiB leaves room for new fields, not for abuse. */
#define LIMIT_ENTRY_SIZE 1024
/* (protocol) A long announcement in five languages is about 20 KiB. */
#define LIMIT_CONTENT_SIZE (64 * 1024)
/* (protocol) A Certificate is about 300 bytes; signature, signer and recovery key come on top. */
#define LIMIT_CERTIFICATE_SIZE 1024
/* (protocol) SignedCertificate: kept and handed on as received, so nothing may hide around it. */
#define LIMIT_SIGNED_CERTIFICATE_SIZE (LIMIT_CERTIFICATE_SIZE + 256)
/* (protocol) SignedHead and SignedReceipt are about 250 bytes, and kept and handed on as received.
 */
#define LIMIT_STATEMENT_SIZE 1024
/* (protocol) The salt that makes a content hash unguessable. */
#define LIMIT_SALT_SIZE 16
/* (protocol) Recipients of a sealed content, the publisher among them, each with a slot: 4 bytes
 * that tell it which is its own (a stranger's fits by chance once in 4,000 million), and the
 * content key, encrypted. 256 take a fifth of a content. The number of slots is a power of two, so
 * that it tells little of how many recipients there are: two or eight look alike. */
#define LIMIT_SEAL_SLOT_SIZE 52
#define LIMIT_SEAL_SLOTS_LEAST 8
#define LIMIT_SEAL_SLOTS 256
/* (protocol) Institutions that a content can be sealed for, besides the publisher. */
#define LIMIT_SEAL_AUDIENCE (LIMIT_SEAL_SLOTS - 1)
/* (protocol) What is sealed is padded to this step, and to the least size: a short answer, a
 * confirmation and a call of two or three pages look alike. */
#define LIMIT_SEAL_PAD_STEP 1024
#define LIMIT_SEAL_PAD_LEAST 4096
/* (protocol) entry + signature + salt + content + framing. */
#define LIMIT_SIGNED_ENTRY_SIZE (LIMIT_ENTRY_SIZE + LIMIT_CONTENT_SIZE + 256)
/* (protocol) One sync message, single frame; ZMQ_MAXMSGSIZE is this plus CURVE overhead. */
#define LIMIT_MESSAGE_SIZE (1024 * 1024)
/* protobuf-c recurses without a limit: a 58 kB message nested 16,000 deep crashes the process. */
#define LIMIT_PROTOBUF_DEPTH 8
/* Empty sub-messages cost 65 times their size in memory once unpacked. */
#define LIMIT_PROTOBUF_FIELDS 4096
/* A run of entries has 6 fields an entry: its own count. */
#define LIMIT_MESSAGE_FIELDS (64 * 1024)
/* What one unpacked message may take in memory: 1 MiB of input and its pointers. */
#define LIMIT_ARENA_SIZE (8 * 1024 * 1024)
/* (protocol) Topics of 246–255 bytes are mis-encoded by libzmq; filters are resent on reconnect. */
#define LIMIT_TOPIC_SIZE 64
#define LIMIT_TOPICS_PER_LISTENER 64
/* (protocol) Copies of one entry on live: an announcement concerns some countries, not all 250. */
#define LIMIT_TOPICS_PER_ENTRY 64
/* (protocol) Every seq divisible by this has a stored, checked signature: bounds proofs. */
#define LIMIT_ANCHOR_INTERVAL 256
/* (protocol) The network name stands in every entry. */
#define LIMIT_NETWORK_SIZE 64
#define LIMIT_HANDLE_SIZE 32
/* Room kept in a run message for entries without content that lead to a signature: at most
 * LIMIT_ANCHOR_INTERVAL entries of full size, signature and framing, and one certificate. */
#define LIMIT_PROOF_SIZE ((LIMIT_ANCHOR_INTERVAL + 2) * (LIMIT_ENTRY_SIZE + 96))
/* Fields of a Run; around them stands the SyncMessage. */
#define LIMIT_RUN_SIZE (LIMIT_MESSAGE_SIZE - 256)
/* (protocol) Certificates of one feed: a card that names them all still fits its limit, and no
 * publisher can make others copy an endless chain. */
#define LIMIT_CERTIFICATES 64
/* (protocol) Entries in one run message; 1 MiB of the smallest entries is fewer. */
#define LIMIT_RUN_ENTRIES 4096
/* (protocol) Bytes that pulls under way to one partner may bring, and to all: a slow partner holds
 * up only itself, and what waits to be checked and stored is bounded. */
#define LIMIT_CREDIT_PER_PARTNER (2 * 1024 * 1024)
#define LIMIT_CREDIT_TOTAL (64 * 1024 * 1024)
/* A pull asks for about so much, so that reading, sending, checking and storing overlap. */
#define LIMIT_PULL_SIZE (384 * 1024)
/* Ranges of one feed asked for at once: as many as the credit of a partner allows. */
#define LIMIT_PULLS_PER_FEED 16
/* Small sync messages (requests, heads, receipts) that one peer may say in a second; above that
 * they are thrown away unread, and the peer is not read from for a moment. A node has at most
 * LIMIT_REQUESTS_PER_PEER requests on their way, and its fastest catch-up asks some hundred times a
 * second. */
#define LIMIT_SYNC_PER_SECOND 4000
#define LIMIT_SYNC_SMALL_SIZE 4096
/* Larger ones are counted by themselves, each as one and one more for so many bytes: 500 MB may
 * come in a second, which is more than can be checked and stored. Above that they are taken, since
 * a run that was asked for must not be lost, but the peer is not read from for a moment. */
#define LIMIT_SYNC_LARGE_SIZE (128 * 1024)
/* Live messages that wait for the net thread: what one transaction of 512 entries brings with some
 * countries each. They are dropped above it, or above 32 MiB. */
#define LIMIT_LIVE_QUEUE 8192
/* Live messages that wait for one subscriber: a burst of 1,024 signed entries under two topics. The
 * messages are shared; a subscriber that reads nothing costs 256 KiB of its own. */
#define LIMIT_LIVE_PER_SUBSCRIBER 2048
/* Live messages that a node reads from one partner in a second; above that it rests, so that the
 * partner's service drops what is too much: a publisher signs 2,000 a second in bulk, a relay hands
 * on those of some. */
#define LIMIT_LIVE_PER_SECOND 8000
/* Pulls under way in all: that many of the smallest use up the credit of all. */
#define LIMIT_PULLS_TOTAL 512
/* Requests of one peer that may wait to be answered: the pulls under way, asked again after their
 * time limit, and heads and certificates beside them. Above that the answer is "busy". */
#define LIMIT_REQUESTS_PER_PEER 48
/* (protocol) heads_request, pull, certificates_request: the largest takes under 80 bytes; the rest
 * is for new fields. */
#define LIMIT_REQUEST_SIZE 512
/* … and what they take in memory while they wait: some 6 KiB each. All peers together: what 80 of
 * them may have. */
#define LIMIT_REQUEST_BYTES_PER_PEER (LIMIT_REQUESTS_PER_PEER * 8 * 1024)
#define LIMIT_REQUEST_BYTES_TOTAL (80 * LIMIT_REQUEST_BYTES_PER_PEER)
/* A request of the control link that changes nothing: a filter with 64 values of each of its sorts
 * takes 4 KiB, the path of a file as much at the most. */
#define LIMIT_READING_SIZE (8 * 1024)
/* A pull that got no answer in this time is asked again, of another partner if there is one. */
#define LIMIT_PULL_TIMEOUT_MS 20000
/* (protocol) Heads in one message: 300 bytes each with the statement, so 2,048 stay well under
 * 1 MiB. Each may cost a look into the ledger, and a signature check. */
#define LIMIT_HEADS_PER_MESSAGE 2048
/* (protocol) Receipts in one message: a node says one at a time, a relay may gather some; each
 * costs a signature check, so 64 take some milliseconds. */
#define LIMIT_RECEIPTS_PER_MESSAGE 64
/* A partner that says it holds more of our own feed than we do, and brings nothing of it for this
 * long, no longer holds our publishing up. Longer than one pull's time limit. */
#define LIMIT_OWN_CLAIM_MS 30000
/* Own head goes out this often on live, so that a silent loss is seen. */
#define LIMIT_HEAD_INTERVAL_MS 3000
/* After a start, publishing waits this long for connected partners to say what they hold. */
#define LIMIT_START_CHECK_MS 10000
/* … and at least this long for the links to come up at all. */
#define LIMIT_START_SETTLE_MS 2000
/* Clock difference to a partner that is worth a warning. */
#define LIMIT_CLOCK_SKEW_MS (15 * 60 * 1000)
/* After a catch-up only the newest entries of a feed go out on live. */
#define LIMIT_LIVE_AFTER_CATCHUP 256
/* Own entries that get a signature of their own and go out on live one by one: so many at once, and
 * so many a second on average. People publish far fewer; at 2,000 a second signing, checking and
 * sending them takes a fifth of one core, here and at each partner. What comes faster is signed in
 * runs, and partners pull it. */
#define LIMIT_LIVE_BURST 512
#define LIMIT_LIVE_RATE 2000
/* Own entries that are gathered before they go to the store, signed as one run: enough to share
 * one signature, few enough to stay small in memory. One of the largest size always fits. */
#define LIMIT_OWN_RUN_ENTRIES 256
#define LIMIT_OWN_RUN_SIZE (160 * 1024)
/* Partners' card files are looked at this often: a removed partner is cut off within 5 s. */
#define LIMIT_PARTNERS_SCAN_MS 1000
/* A card holds certificates, names in some languages, endpoints. */
#define LIMIT_CARD_SIZE (128 * 1024)
/* A YAML file of an announcement or a configuration. */
#define LIMIT_YAML_SIZE (1024 * 1024)
/* The owner's requests that wait for the reader thread; when there are so many, the answer is
 * "busy". */
#define LIMIT_QUEUE_LENGTH 1024
/* What one peer may have waiting between two threads: four times its credit, and as many messages
 * as a partner sends on live in a second of bulk publishing. What is above that is thrown away. */
#define LIMIT_WAITING_PER_PEER 2048
#define LIMIT_WAITING_BYTES_PER_PEER (4 * LIMIT_CREDIT_PER_PARTNER)
/* … and all peers together; above that nobody is read from until there is room again. */
#define LIMIT_WAITING_TOTAL (4 * LIMIT_WAITING_PER_PEER)

#endif
