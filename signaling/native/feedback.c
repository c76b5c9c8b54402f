/* Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01): arrivals.FeedbackWriter and
 * transport_cc.build_feedback. */
#include "media.h"

#include <stdlib.h>
#include <string.h>

#define TICK_NS 250000
#define TICKS_PER_REFERENCE 256
#define KEPT_NS 500000000
#define MAX_JUMP 0x4000 /* a number this far off belongs to a sender that started anew */
#define MAX_BUILT 400
#define LONGEST_RUN 0x1FFF
#define FORMAT 15
#define RTPFB 205
#define HEAD_BYTES 20

enum { NOT_RECEIVED = 0, SMALL = 1, LARGE = 2 };

struct feedback *feedback_new(void)
{
    struct feedback *feedback = calloc(1, sizeof *feedback);
    if (feedback)
        feedback->highest = feedback->next = -1;
    return feedback;
}

void feedback_free(struct feedback *feedback)
{
    free(feedback);
}

void feedback_arrived(struct feedback *feedback, uint16_t number, uint64_t at_ns)
{
    if (feedback->waiting < MAX_ARRIVALS)
        feedback->arrivals[feedback->waiting++] = (struct arrival){at_ns, number};
}

void feedback_drop(struct feedback *feedback)
{
    feedback->waiting = 0;
}

/* Where a number stands or belongs. Most are the newest. */
static int place_of(const struct feedback *feedback, int64_t number)
{
    const struct noted *noted = feedback->noted;
    int low = 0, high = feedback->count;
    if (high && noted[high - 1].number < number)
        return high;
    while (low < high) {
        int middle = (low + high) / 2;
        if (noted[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* 1 when the number is new and not too old. */
static int note(struct feedback *feedback, int64_t number, int64_t tick)
{
    struct noted *noted = feedback->noted;
    int at = place_of(feedback, number);
    if (number < feedback->oldest || (at < feedback->count && noted[at].number == number))
        return 0;
    memmove(noted + at + 1, noted + at, (size_t)(feedback->count - at) * sizeof *noted);
    noted[at] = (struct noted){number, tick};
    feedback->count++;
    return 1;
}

static void restart_at(struct feedback *feedback, int64_t number)
{
    feedback->count = 0;
    feedback->highest = feedback->oldest = feedback->next = number;
}

static int64_t unwrapped_of(const struct feedback *feedback, uint16_t number)
{
    int64_t highest = feedback->highest;
    return highest < 0 ? 0x10000 + number : highest + ((number - highest + 0x8000) & 0xFFFF) - 0x8000;
}

int feedback_begin(struct feedback *feedback)
{
    int64_t first = INT64_MAX; /* numbers of a sender that starts anew may lie below zero */
    int waiting = feedback->waiting;
    feedback->waiting = 0;
    for (int i = 0; i < waiting; i++) {
        const struct arrival *arrival = &feedback->arrivals[i];
        int64_t number = unwrapped_of(feedback, arrival->number);
        if (feedback->highest < 0 || llabs(number - feedback->highest) > MAX_JUMP) {
            restart_at(feedback, number);
            first = INT64_MAX;
        }
        if (!note(feedback, number, (int64_t)(arrival->at_ns / TICK_NS)))
            continue;
        if (number > feedback->highest)
            feedback->highest = number;
        if (number < first)
            first = number;
    }
    if (first == INT64_MAX)
        return 0;
    /* What is missing since the last feedback is said, too: this one begins where that one ended. */
    feedback->at = first < feedback->next ? first : feedback->next;
    if (feedback->at < feedback->highest + 1 - MAX_SPAN)
        feedback->at = feedback->highest + 1 - MAX_SPAN;
    feedback->next = feedback->highest + 1;
    feedback->last_ns = feedback->arrivals[waiting - 1].at_ns;
    return 1;
}

static void forget_old(struct feedback *feedback)
{
    int64_t limit = ((int64_t)feedback->last_ns - KEPT_NS) / TICK_NS;
    int64_t newest_gone = INT64_MIN;
    struct noted *noted = feedback->noted;
    int kept = 0, old = 0;
    for (int i = 0; i < feedback->count; i++)
        old += noted[i].tick < limit;
    int overflow = feedback->count - old - KEPT_NUMBERS;
    for (int i = 0; i < feedback->count; i++) {
        int is_old = noted[i].tick < limit;
        if (is_old || overflow > 0) {
            overflow -= !is_old;
            newest_gone = noted[i].number;
        } else {
            noted[kept++] = noted[i];
        }
    }
    feedback->count = kept;
    if (newest_gone >= feedback->oldest)
        feedback->oldest = newest_gone + 1;
}

static int run_length(const uint8_t *symbols, int at, int size)
{
    int end = at + 1, limit = size < at + LONGEST_RUN ? size : at + LONGEST_RUN;
    while (end < limit && symbols[end] == symbols[at])
        end++;
    return end - at;
}

static int has_large(const uint8_t *symbols, int at, int size)
{
    for (int end = size < at + 14 ? size : at + 14; at < end; at++)
        if (symbols[at] == LARGE)
            return 1;
    return 0;
}

/* The symbols packed: runs where they are long, else 14 of one bit or 7 of two. How many bytes. */
static int write_chunks(const uint8_t *symbols, int size, uint8_t *out)
{
    int written = 0;
    for (int at = 0; at < size;) {
        int run = run_length(symbols, at, size), is_wide = has_large(symbols, at, size), chunk, taken;
        if (run >= 14 || (run >= 7 && is_wide) || at + run == size) {
            chunk = symbols[at] << 13 | run;
            taken = run;
        } else {
            int bits = is_wide ? 2 : 1;
            taken = is_wide ? 7 : 14;
            taken = taken < size - at ? taken : size - at;
            chunk = is_wide ? 0xC000 : 0x8000;
            for (int i = 0; i < taken; i++)
                chunk |= symbols[at + i] << ((is_wide ? 12 : 13) - bits * i);
        }
        out[written++] = (uint8_t)(chunk >> 8);
        out[written++] = (uint8_t)chunk;
        at += taken;
    }
    return written;
}

static void write32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Symbols and times from `feedback->at` on; moves it. How many symbols, and `time_bytes`. */
static int gather(struct feedback *feedback, int place, int64_t before, uint8_t *symbols, uint8_t *times,
                  int *time_bytes)
{
    const struct noted *noted = feedback->noted;
    int size = 0;
    *time_bytes = 0;
    for (; feedback->at <= feedback->highest && size < MAX_BUILT; feedback->at++) {
        if (place == feedback->count || noted[place].number != feedback->at) {
            symbols[size++] = NOT_RECEIVED;
            continue;
        }
        int64_t step = noted[place].tick - before;
        if (step < -0x8000 || step > 0x7FFF)
            break; /* a pause longer than two bytes can tell ends the message */
        symbols[size++] = step >= 0 && step <= 0xFF ? SMALL : LARGE;
        if (symbols[size - 1] == LARGE)
            times[(*time_bytes)++] = (uint8_t)(step >> 8);
        times[(*time_bytes)++] = (uint8_t)step;
        before = noted[place++].tick;
    }
    return size;
}

int feedback_write(struct feedback *feedback, uint32_t sender_ssrc, uint32_t ssrc, uint8_t *out)
{
    uint8_t symbols[MAX_BUILT], times[2 * MAX_BUILT];
    int time_bytes;
    if (feedback->at > feedback->highest) {
        forget_old(feedback);
        return 0;
    }
    int64_t first = feedback->at;
    int place = place_of(feedback, first);
    int64_t reference = feedback->noted[place].tick / TICKS_PER_REFERENCE; /* `highest` did arrive, so there is one */
    int size = gather(feedback, place, reference * TICKS_PER_REFERENCE, symbols, times, &time_bytes);
    int end = HEAD_BYTES + write_chunks(symbols, size, out + HEAD_BYTES);
    memcpy(out + end, times, (size_t)time_bytes);
    end += time_bytes;
    int padding = -end & 3;
    if (padding) {
        memset(out + end, 0, (size_t)padding);
        end += padding;
        out[end - 1] = (uint8_t)padding;
    }
    out[0] = (uint8_t)(0x80 | (padding ? 0x20 : 0) | FORMAT);
    out[1] = RTPFB;
    out[2] = (uint8_t)((end / 4 - 1) >> 8);
    out[3] = (uint8_t)(end / 4 - 1);
    write32(out + 4, sender_ssrc);
    write32(out + 8, ssrc);
    write32(out + 12, (uint32_t)((first & 0xFFFF) << 16 | size));
    write32(out + 16, (uint32_t)(reference & 0xFFFFFF) << 8 | (uint32_t)feedback->message);
    feedback->message = (feedback->message + 1) & 0xFF;
    return end;
}
