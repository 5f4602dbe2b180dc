/* scall: recommendation that learns from a stream inside a hard memory cap.
   Made by cbindgen from the crate in core/c; do not edit. */

#ifndef SCALL_H
#define SCALL_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of memory for scall_init with the policy that is built in: a constant, for a static array.
   It is what scall_memory_bytes says for the same configuration. */
#define SCALL_MEMORY_BYTES(users, items, parameters, seen_pairs) \
    SCALL_MEMORY_BYTES_WITH(users, items, parameters, seen_pairs, SCALL_BUILT_IN_LARGEST, \
                            SCALL_BUILT_IN_GROUPS, SCALL_BUILT_IN_HIDDEN)

/* The same with a policy of one's own: the largest row, the groups of its state, and its hidden units. */
#define SCALL_MEMORY_BYTES_WITH(users, items, parameters, seen_pairs, largest, groups, hidden) \
    (SCALL_HANDLE_WORDS * sizeof(void *) \
     + 4 * ((size_t)(parameters) + 5 * ((size_t)(users) + (size_t)(items)) + 2 \
            + 2 * (size_t)(largest) + 2 * ((size_t)(largest) + 1) \
            + ((size_t)(items) + 16383) / 16384 * ((size_t)(largest) + 2) \
            + ((size_t)(seen_pairs) + 7) / 8 * 8 \
            + 4 * (size_t)(groups) + 8 + 2 * (size_t)(hidden)) \
     + SCALL_INDEX_BYTES(users) + SCALL_INDEX_BYTES(items))

/* Bytes of the index over so many ids: 12 or 16 bits for each of 8/7 places an id. */
#define SCALL_INDEX_BYTES(entities) \
    ((((size_t)(entities) + (size_t)(entities) / 7 + 1) * ((size_t)(entities) < 4096 ? 3 : 4) + 1) / 2)

// The largest row that the policy which is built in may give.
#define SCALL_BUILT_IN_LARGEST 32

// The groups of its state.
#define SCALL_BUILT_IN_GROUPS 8

// The units of its hidden layers.
#define SCALL_BUILT_IN_HIDDEN 7

// The alignment of the memory of scall_init, in bytes.
#define SCALL_ALIGNMENT 8

// Words, as wide as a pointer, that a device takes in front of its slices.
#define SCALL_HANDLE_WORDS 280

// What scall_observe adds to its answer for a user that was new.
#define SCALL_NEW_USER 1

// What scall_observe adds to its answer for an item that was new.
#define SCALL_NEW_ITEM 2

// Bytes of memory for scall_reference_start.
#define SCALL_REFERENCE_BYTES 2176

// Why a call was refused. Every function that returns an `int32_t` returns one of these when it is below 0.
enum ScallStatus
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    // All went well.
    SCALL_STATUS_OK = 0,
    // A pointer is null.
    SCALL_STATUS_NULL_POINTER = -1,
    // A pointer is not aligned: memory needs SCALL_ALIGNMENT, anything else what its type needs.
    SCALL_STATUS_MISALIGNED = -2,
    // The memory or the output is too small.
    SCALL_STATUS_TOO_SMALL = -3,
    // The memory was never given to scall_init, or by another version.
    SCALL_STATUS_NOT_INITIALISED = -4,
    // The bytes of the policy are none, are damaged, or are of another version or kind.
    SCALL_STATUS_POLICY = -5,
    // More than 65,535 users or items, or fewer parameters than two first rows take.
    SCALL_STATUS_CONFIG = -6,
    // A decision is under way; scall_poll brings it to its end.
    SCALL_STATUS_BUSY = -7,
    // A reward that is not a number, or beyond a million.
    SCALL_STATUS_REWARD = -8,
    // The sizes that the policy asks for cannot be had within the budget; the rows are as before.
    SCALL_STATUS_SIZES = -9,
    // The bytes are no snapshot, or one of another configuration.
    SCALL_STATUS_FOREIGN_SNAPSHOT = -10,
    // A snapshot of another version.
    SCALL_STATUS_SNAPSHOT_VERSION = -11,
    // A snapshot that is damaged or cut short.
    SCALL_STATUS_DAMAGED_SNAPSHOT = -12,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum ScallStatus ScallStatus;
#else
typedef int32_t ScallStatus;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// A device, at the front of the memory that was given to scall_init. One call at a time may use it.
typedef struct Scall Scall;

// A stream of 20,000 events in which users and items come and go, at the front of the memory that was given to
// scall_reference_start.
typedef struct ScallReference ScallReference;

// What a device is to be. All of it decides over the bytes of memory, but for the seed.
typedef struct {
    // Users that there is room for, at most 65,535; the rarest make way for more.
    uint32_t users;
    // Items that there is room for, the same.
    uint32_t items;
    // The budget: parameters, of 4 bytes, of all rows together. Eight for each user and item are a good start.
    uint32_t parameters;
    // Pairs of a user and an item that are remembered, so as not to be recommended again; about two for each user
    // and item.
    uint32_t seen_pairs;
    // The one source of chance: the same seed and events give the same bits on every machine.
    uint64_t seed;
    // A policy file, which is read where it lies and must stay there; null for the policy that is built in. Needs no
    // alignment.
    const uint8_t *policy;
    // Its bytes; it may be followed by others.
    size_t policy_bytes;
} ScallConfig;

// An item with its score.
typedef struct {
    // The item's id.
    uint32_t item;
    // Its score; only differences mean something.
    float score;
} ScallScored;

// Where a device stands.
typedef struct {
    // Users known.
    uint32_t users;
    // Items known.
    uint32_t items;
    // Users that made way for others so far.
    uint32_t evicted_users;
    // Items that made way for others so far.
    uint32_t evicted_items;
    // Parameters in use.
    uint32_t parameters_used;
    // Parameters allowed; there are never more in use.
    uint32_t parameters_allowed;
    // Segments closed.
    uint32_t segments;
    // 1 while a decision is under way, 0 otherwise.
    uint32_t busy;
} ScallCounts;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// A status in words, ended by a zero; numbers from 0 on went well, and unknown ones are called so. Never null.
const char *scall_status_text(int32_t status);

// Bytes of memory that scall_init needs for a configuration; 0 for one that cannot be read: null, or with a policy
// that is none. SCALL_MEMORY_BYTES is the same as a constant.
//
// # Safety
// `config` is null or points to a configuration, whose policy is null or as long as it says.
size_t scall_memory_bytes(const ScallConfig *config);

// Makes a device that knows nobody in the caller's memory, whatever was in it, and points `scall` to it. The policy
// must stay where it is; the configuration need not. O(memory).
//
// # Safety
// `memory` has that many bytes, which nothing else uses for as long as the device is used; the pointers in and of the
// configuration are null or valid.
int32_t scall_init(Scall **scall,
                   void *memory,
                   size_t memory_bytes,
                   const ScallConfig *config);

// Learns from one event. Ids are any 32 bits. Where there is no room for a newcomer, the rarest makes way. Returns 0,
// or the sum of SCALL_NEW_USER and SCALL_NEW_ITEM as they apply. O(dimensions), and for a newcomer to a full table
// O(users + items).
//
// # Safety
// `scall` is from scall_init, and in use by no other call.
int32_t scall_observe(Scall *scall,
                      uint32_t user,
                      uint32_t item);

// The best items that a user has not had lately, best first, in `best`, which has `places` of them; returns how many.
// Strangers are answered as the mean of all users. O(parameters of the items).
//
// # Safety
// `scall` is from scall_init, and no call changes it meanwhile; `best` has as many places, outside its memory.
int32_t scall_recommend(const Scall *scall,
                        uint32_t user,
                        ScallScored *best,
                        size_t places);

// 1 if a user is known, 0 if not.
//
// # Safety
// `scall` is from scall_init, and no call changes it meanwhile.
int32_t scall_knows_user(const Scall *scall, uint32_t user);

// 1 if an item is known, 0 if not.
//
// # Safety
// `scall` is from scall_init, and no call changes it meanwhile.
int32_t scall_knows_item(const Scall *scall, uint32_t item);

// 1 if it is remembered that a user had an item, 0 if not.
//
// # Safety
// `scall` is from scall_init, and no call changes it meanwhile.
int32_t scall_has_seen(const Scall *scall, uint32_t user, uint32_t item);

// Ends a segment of the stream, says how good its recommendations were (`reward`: against what is usual, about -1 to
// 1), and begins the decision about the sizes of the next, which scall_poll brings to its end. O(1).
//
// # Safety
// `scall` is from scall_init, and in use by no other call.
int32_t scall_close_segment(Scall *scall,
                            float reward);

// Goes on with the end of a segment and the decision after it, by as much work as moving about `parameters` of them
// is. Returns 0 when all is done, 1 after a step of the decision, and 2 within one. In between events can be learned
// and questions answered; where they are to find the ranks of a single time, only after a step.
//
// # Safety
// `scall` is from scall_init, and in use by no other call.
int32_t scall_poll(Scall *scall,
                   uint32_t parameters);

// Where a device stands, in `counts`.
//
// # Safety
// `scall` is from scall_init, and no call changes it meanwhile; `counts` is the caller's.
int32_t scall_counts(const Scall *scall, ScallCounts *counts);

// A fingerprint of all that was learned, and of the policy, in `digest`: the same on two machines exactly when the bits
// are. O(parameters).
//
// # Safety
// `scall` is from scall_init, and no call changes it meanwhile; `digest` is the caller's.
int32_t scall_digest(const Scall *scall,
                     uint64_t *digest);

// Bytes that scall_save writes now; SCALL_STATUS_BUSY while a decision is under way.
//
// # Safety
// `scall` is from scall_init, and no call changes it meanwhile.
int32_t scall_save_bytes(const Scall *scall);

// Writes all of a device's state, its configuration and policy aside, to the front of `output`; returns the length. The
// bytes are the same on every machine. O(bytes).
//
// # Safety
// `scall` is from scall_init, and no call changes it meanwhile; `output` has `capacity` bytes, outside its memory.
int32_t scall_save(const Scall *scall,
                   uint8_t *output,
                   size_t capacity);

// Goes on from what scall_save wrote for a device of the same configuration, to the same bits as one that was never
// stopped; a decision that is under way is given up. The snapshot may be followed by other bytes; returns its length.
// O(bytes).
//
// # Safety
// `scall` is from scall_init, and in use by no other call; `input` has `length` bytes, outside its memory.
int32_t scall_load(Scall *scall,
                   const uint8_t *input,
                   size_t length);

// Begins the stream of a seed in the caller's memory, and points `stream` to it. The run that machines compare has the
// seed 42, and room for 64 users, 512 items, 4,608 parameters and 1,024 pairs.
//
// # Safety
// `stream` is the caller's; `memory` has that many bytes, which nothing else uses for as long as the stream is used.
int32_t scall_reference_start(ScallReference **stream,
                              void *memory,
                              size_t memory_bytes,
                              uint64_t seed);

// The next event, in `user` and `item`: 1, or 0 at the end of the stream.
//
// # Safety
// `stream` is from scall_reference_start, and in use by no other call; `user` and `item` are the caller's.
int32_t scall_reference_next(ScallReference *stream, uint32_t *user, uint32_t *item);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SCALL_H */
