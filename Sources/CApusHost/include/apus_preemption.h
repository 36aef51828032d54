// Taking the thread from a guest that computes on a stack of its own, so that other tasks have it.
#ifndef APUS_PREEMPTION_H
#define APUS_PREEMPTION_H

#include <stdint.h>

/// What a signal handler does when the thread is to be taken: if the signal has found a guest in
/// the code of a function, on a stack that can be left, the guest leaves that as soon as the
/// handler returns (`apus_guest_yielded`). Elsewhere nothing happens.
void apus_preempt(void *machine);

#endif
