/* scall from C: the run that machines compare.
 *
 * Every event is answered before it is learned, and after every 500 a policy chooses the sizes of all rows. Halfway
 * all memory is lost, and comes back from a snapshot. It ends with the line of JSON that the firmware in Rust ends
 * with, and with the same digest.
 */
#include "console.h"
#include "scall.h"


enum { USERS = 64, ITEMS = 512, PARAMETERS = 8 * (USERS + ITEMS), SEEN_PAIRS = 1024 };
enum { SEED = 42, SEGMENT = 500, HALFWAY = 10250, ANSWERS = 20, SLICE = 256 };

static _Alignas(SCALL_ALIGNMENT) unsigned char memory[SCALL_MEMORY_BYTES(USERS, ITEMS, PARAMETERS, SEEN_PAIRS)];
static _Alignas(SCALL_ALIGNMENT) unsigned char stream_memory[SCALL_REFERENCE_BYTES];

/* Where the snapshot survives: the board's linker script puts it outside the RAM. */
#ifdef __arm__
__attribute__((section(".store")))
#endif
static unsigned char store[48 * 1024];

static const ScallConfig config = {
    .users = USERS, .items = ITEMS, .parameters = PARAMETERS, .seen_pairs = SEEN_PAIRS, .seed = SEED};

struct answers {
    uint32_t hits, tests;
};

static void put_number(const char *name, uint32_t value, unsigned least_digits)
{
    char digits[11];
    char *at = digits + sizeof digits;
    *--at = 0;
    for (unsigned count = 0; value > 0 || count < least_digits; count++, value /= 10)
        *--at = (char)('0' + value % 10);
    console_write(name);
    console_write(at);
}

static void put_digest(const char *name, uint64_t digest)
{
    char digits[17] = {0};
    for (int place = 0; place < 16; place++)
        digits[place] = "0123456789abcdef"[digest >> (60 - 4 * place) & 15];
    console_write(name);
    console_write(digits);
}

static int fail(const char *what, int32_t status)
{
    console_write("error: ");
    console_write(what);
    console_write(": ");
    console_write(scall_status_text(status));
    console_write("\n");
    return 1;
}

/* An event counts if its item is known and new to its user: was it among the recommendations? */
static void answer(const Scall *scall, uint32_t user, uint32_t item, struct answers *answers)
{
    if (scall_knows_item(scall, item) != 1 || scall_has_seen(scall, user, item) == 1)
        return;
    ScallScored best[ANSWERS];
    int32_t found = scall_recommend(scall, user, best, ANSWERS);
    for (int32_t place = 0; place < found; place++)
        answers->hits += best[place].item == item;
    answers->tests++;
}

/* Saves to the store, loses everything, and goes on from there. */
static int32_t lose_power(Scall **scall)
{
    int32_t saved = scall_save(*scall, store, sizeof store);
    if (saved < 0)
        return saved;
    for (size_t at = 0; at < sizeof memory; at++) {
        memory[at] = 0xa5;
    }
    int32_t status = scall_init(scall, memory, sizeof memory, &config);
    return status < 0 ? status : scall_load(*scall, store, (size_t)saved);
}

int main(void)
{
    Scall *scall;
    ScallReference *stream;
    int32_t status = scall_init(&scall, memory, sizeof memory, &config);
    if (status < 0)
        return fail("scall_init", status);
    status = scall_reference_start(&stream, stream_memory, sizeof stream_memory, SEED);
    if (status < 0)
        return fail("scall_reference_start", status);

    struct answers segment = {0, 0}, all = {0, 0};
    float usual = 0.0f;
    uint32_t events = 0, violations = 0, user, item;
    ScallCounts counts;
    while (scall_reference_next(stream, &user, &item) == 1) {
        answer(scall, user, item, &segment);
        /* A step of a decision between one event and the next. */
        while ((status = scall_poll(scall, SLICE)) == 2) {
        }
        if (status < 0)
            return fail("scall_poll", status);
        status = scall_observe(scall, user, item);
        if (status < 0)
            return fail("scall_observe", status);
        scall_counts(scall, &counts);
        violations += counts.parameters_used > counts.parameters_allowed;
        events++;
        if (events == HALFWAY) {
            status = lose_power(&scall);
            if (status < 0)
                return fail("scall_save or scall_load", status);
        }
        if (events % SEGMENT == 0) {
            float recall = segment.tests > 0 ? (float)segment.hits / (float)segment.tests : 0.0f;
            float reward = 10.0f * (recall - usual);
            usual += 0.25f * (recall - usual);
            all.hits += segment.hits;
            all.tests += segment.tests;
            segment = (struct answers){0, 0};
            status = scall_close_segment(scall, reward);
            if (status < 0)
                return fail("scall_close_segment", status);
            /* What the decision begins with, before the next event is answered. */
            while ((status = scall_poll(scall, SLICE)) == 2) {
            }
            if (status < 0)
                return fail("scall_poll", status);
        }
    }
    while ((status = scall_poll(scall, SLICE)) > 0) {
    }
    if (status < 0)
        return fail("scall_poll", status);

    uint64_t digest;
    scall_counts(scall, &counts);
    scall_digest(scall, &digest);
    uint32_t recall = all.tests > 0 ? (uint32_t)((10000ull * all.hits + all.tests / 2) / all.tests) : 0;
    put_number("{\"schema\":", 1, 1);
    put_number(",\"interactions\":", events, 1);
    put_number(",\"segments\":", counts.segments, 1);
    put_number(",\"entities\":", counts.users + counts.items, 1);
    put_number(",\"evicted\":", counts.evicted_users + counts.evicted_items, 1);
    put_number(",\"parameters_used\":", counts.parameters_used, 1);
    put_number(",\"budget_parameters\":", counts.parameters_allowed, 1);
    put_number(",\"budget_violations\":", violations, 1);
    put_number(",\"recall@20\":", recall / 10000, 1);
    put_number(".", recall % 10000, 4);
    put_number(",\"memory_bytes\":", (uint32_t)scall_memory_bytes(&config), 1);
    put_digest(",\"model_digest\":\"", digest);
    console_write("\"}\n");
    int sound = violations == 0 && scall_memory_bytes(&config) == sizeof memory;
    return sound ? 0 : 1;
}
