/* Telling a sender when its numbered packets came: without Python, so that its rate does not depend on how busy that is.
 *
 * Reports are closed with the thread's own keys under a sender of their own: the counters of Python's reports are Python's.
 */
#include "inside.h"

#include <string.h>

void note_arrival(struct line *line, const uint8_t *packet, int bytes, uint64_t at_ns)
{
    int size = 0;
    const uint8_t *element = line->number_id ? packet_extension(packet, bytes, line->number_id, &size) : NULL;
    if (element && size == 2 && line->feedback)
        feedback_arrived(line->feedback, (uint16_t)(element[0] << 8 | element[1]), at_ns);
}

void tell_arrivals(struct plane *plane, struct line *line, uint64_t now_ns)
{
    struct feedback *feedback = line->feedback;
    if (!feedback || !feedback->waiting || (int64_t)(now_ns - line->told_ns) < (int64_t)FEEDBACK_NS)
        return;
    line->told_ns = now_ns;
    if (!line->told_ssrc) {
        feedback_drop(feedback);
        return;
    }
    _Alignas(16) uint8_t packet[FEEDBACK_BYTES + 64];
    int is_open = feedback_begin(feedback);
    for (int bytes; is_open && (bytes = feedback_write(feedback, line->feedback_ssrc, line->told_ssrc, packet));)
        transmit_report(plane, line, packet, bytes);
}

void line_watch_numbers(struct plane *plane, uint32_t id, int extension_id)
{
    /* Note when packets with the sender's transport-wide numbers arrive; 0: no more. */
    struct feedback *fresh = extension_id ? feedback_new() : NULL;
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    if (line) {
        struct feedback *before = line->feedback;
        line->number_id = extension_id;
        if (!before || !extension_id) {
            line->feedback = fresh;
            fresh = before;
        }
    }
    leave(plane);
    feedback_free(fresh);
}

void line_tell(struct plane *plane, uint32_t id, uint32_t ours, uint32_t theirs)
{
    /* Who tells, and of which stream; `theirs` 0: nobody. */
    enter(plane);
    struct line *line = table_get(&plane->lines, id);
    if (line) {
        line->feedback_ssrc = ours;
        line->told_ssrc = theirs;
    }
    leave(plane);
}

uint32_t lines_heard(struct plane *plane, uint64_t *at_ns, uint32_t capacity)
{
    /* By place (HANDLE_PLACES), when the last good packet of an open stream came; how many places that takes. Nothing
     * is written beyond `capacity`. */
    enter(plane);
    uint32_t size = plane->lines.size + 1;
    for (uint32_t place = 1; place < size && place < capacity; place++) {
        const struct line *line = plane->lines.items[place - 1];
        at_ns[place] = line ? line->media_ns : 0;
    }
    leave(plane);
    return size;
}
