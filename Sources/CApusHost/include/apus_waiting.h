#ifndef APUS_WAITING_H
#define APUS_WAITING_H

#include <stdint.h>

/// Waits until somebody wakes those that wait for `word`, unless it holds other than `expected`, or
/// until the monotonic clock shows `time` nanoseconds (UINT64_MAX: for good). It may be over for no
/// reason, too.
void apus_word_wait(const void *word, uint32_t expected, uint64_t time);

/// What the monotonic clock shows, in nanoseconds.
uint64_t apus_word_now(void);

/// Wakes one of those that wait for `word`.
void apus_word_wake(const void *word);

#endif
