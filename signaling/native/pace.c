/* Pictures wait for room on their viewer's line, so that voices need not wait behind them: rtp/pacer.py in the thread.
 *
 * Off for a line of which nothing is known. Overflow: the oldest leave at once, nothing is dropped here; without memory
 * or beyond PACED_LINES nothing waits. Voices carry no transport-wide number, and never come here.
 */
#include "inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void leaves(struct pacer *pacer, int bytes, double now_ms)
{
    if (!(pacer->rate_bps > 0))
        return;
    double free_ms = fmax(pacer->free_ms, now_ms) + bytes * 8000.0 / pacer->rate_bps;
    pacer->free_ms = fmin(free_ms, now_ms + PACER_LONGEST_MS);
}

static void set_timer(struct plane *plane, double now_ms)
{
    double due_ms = 0;
    for (int i = 0; i < plane->paced_count; i++) {
        double at_ms = plane->paced[i]->pacer.free_ms - PACER_DEPTH_MS;
        due_ms = due_ms > 0 ? fmin(due_ms, at_ms) : at_ms;
    }
    if (!plane->paced_count || (plane->timer_ms > 0 && plane->timer_ms <= due_ms))
        return; /* it rings early enough */
    plane->timer_ms = fmax(due_ms, now_ms + PACER_STEP_MS);
    uint64_t at_ns = (uint64_t)(plane->timer_ms * 1e6);
    struct itimerspec at = {.it_value = {(time_t)(at_ns / SECOND_NS), (long)(at_ns % SECOND_NS)}};
    timerfd_settime(plane->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static struct held *next(struct pacer *pacer)
{
    int which = pacer->first[0] ? 0 : 1;
    struct held *held = pacer->first[which];
    pacer->first[which] = held->next;
    if (!held->next)
        pacer->last[which] = NULL;
    pacer->count--;
    pacer->bytes -= held->bytes;
    return held;
}

static void send_next(struct plane *plane, struct line *line, double now_ms)
{
    struct held *held = next(&line->pacer);
    struct leg *leg = table_get(&plane->legs, held->leg);
    if (leg && leg->cuts == held->cuts) { /* neither closed nor silenced since */
        leaves(&line->pacer, held->bytes, now_ms);
        memcpy(plane->out, held->data, (size_t)held->bytes);
        transmit(plane, line, held->is_again ? NULL : leg, plane->out, held->bytes, held->wide_at, now_ms);
    }
    free(held);
}

static int keep(struct plane *plane, struct leg *leg, const uint8_t *packet, int bytes, int is_again)
{
    struct pacer *pacer = &leg->line->pacer;
    if (!pacer->is_waiting && plane->paced_count == PACED_LINES)
        return 0;
    struct held *held = malloc(sizeof *held + (size_t)bytes);
    if (!held)
        return 0;
    *held = (struct held){.leg = leg->id, .cuts = leg->cuts, .bytes = bytes, .wide_at = leg->wide_at,
                          .is_again = is_again};
    memcpy(held->data, packet, (size_t)bytes);
    int which = is_again ? 0 : 1;
    if (pacer->last[which])
        pacer->last[which]->next = held;
    else
        pacer->first[which] = held;
    pacer->last[which] = held;
    pacer->count++;
    pacer->bytes += bytes;
    if (!pacer->is_waiting) {
        pacer->is_waiting = 1;
        plane->paced[plane->paced_count++] = leg->line;
    }
    return 1;
}

int hold(struct plane *plane, struct leg *leg, const uint8_t *packet, int bytes, int is_again, double now_ms)
{
    /* 1: the packet will leave later. 0: send it now, it is counted. `packet` may be plane->out. */
    struct line *line = leg->line;
    struct pacer *pacer = &line->pacer;
    if (!leg->wide_at || !(pacer->rate_bps > 0))
        return 0;
    if (!pacer->count && pacer->free_ms <= now_ms + PACER_DEPTH_MS) {
        leaves(pacer, bytes, now_ms);
        return 0;
    }
    if (!keep(plane, leg, packet, bytes, is_again)) {
        leaves(pacer, bytes, now_ms);
        return 0;
    }
    while (pacer->count > PACER_MOST || pacer->bytes * 8000.0 > PACER_LONGEST_MS * pacer->rate_bps)
        send_next(plane, line, now_ms);
    set_timer(plane, now_ms);
    return 1;
}

void release(struct plane *plane, double now_ms)
{
    uint64_t rings;
    if (read(plane->timer_fd, &rings, sizeof rings) < 0)
        rings = 0; /* somebody set it anew meanwhile */
    plane->timer_ms = 0;
    for (int i = 0; i < plane->paced_count; i++) {
        struct line *line = plane->paced[i];
        struct pacer *pacer = &line->pacer;
        while (pacer->count && (!(pacer->rate_bps > 0) || pacer->free_ms <= now_ms + PACER_DEPTH_MS))
            send_next(plane, line, now_ms);
        if (!pacer->count) {
            pacer->is_waiting = 0;
            plane->paced[i--] = plane->paced[--plane->paced_count];
        }
    }
    flush(plane, now_ms);
    set_timer(plane, now_ms);
}

void forget_held(struct plane *plane, struct line *line)
{
    while (line->pacer.count)
        free(next(&line->pacer));
    for (int i = 0; i < plane->paced_count; i++)
        if (plane->paced[i] == line)
            plane->paced[i--] = plane->paced[--plane->paced_count];
    line->pacer.is_waiting = 0;
}

void line_pace(struct plane *plane, uint32_t id, double rate_bps)
{
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    if (line)
        line->pacer.rate_bps = rate_bps;
    leave(plane);
}
