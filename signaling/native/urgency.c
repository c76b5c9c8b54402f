/* The forwarding thread goes before whatever else the machine does: it needs little, and needs it at once.
 *
 * Asked for on the thread itself. First real time (round robin, lowest priority, not inherited): needs CAP_SYS_NICE or an
 * RLIMIT_RTPRIO. Else a better nice value, as far as RLIMIT_NICE allows. Else it stays an ordinary thread.
 */
#include "inside.h"

#include <sched.h>
#include <sys/resource.h>

#define BETTER_NICE (-11) /* what desktops give to their sound servers */

int32_t become_urgent(void)
{
    struct sched_param lowest = {.sched_priority = sched_get_priority_min(SCHED_RR)};
    if (!sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &lowest)) /* 0: on Linux the calling thread */
        return URGENCY_REAL_TIME;
    return setpriority(PRIO_PROCESS, 0, BETTER_NICE) ? URGENCY_NONE : URGENCY_NICE;
}
