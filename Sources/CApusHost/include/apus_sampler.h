// Where a guest is, again and again while it runs: for profiles.
#ifndef APUS_SAMPLER_H
#define APUS_SAMPLER_H

#include <stdint.h>

#include "apus_context.h"
#include "apus_thread.h"

/// Samples of one store, from the thread that runs its guests to one other thread.
struct apus_sampler;

/// A sampler for `store`. Null if memory is out. It costs nothing until it is asked for a sample.
struct apus_sampler *apus_sampler_make(struct apus_store_context *store);

/// Nobody asks it any more, and no thread has it.
void apus_sampler_free(struct apus_sampler *sampler);

/// Has `thread`, which is in a call of the sampler's store and stays there meanwhile, take a sample
/// soon.
void apus_sampler_ask(struct apus_sampler *sampler, struct apus_thread *thread);

/// `thread`, the calling one or one that stays in its call meanwhile, is asked no more: when this
/// returns it does not use the sampler.
void apus_sampler_leave(struct apus_thread *thread);

/// The most program counters that a sample has.
enum { apus_sample_limit = 254 };

/// Takes the oldest sample: program counters, innermost first; all but that of a guest that was
/// running itself are return addresses, and 0 stands for the host. Returns how many, 0 if there is
/// no sample. There is room for `apus_sample_limit`.
uint32_t apus_sampler_take(struct apus_sampler *sampler, uintptr_t *counters);

/// How many samples there was no room for.
uint64_t apus_sampler_lost(const struct apus_sampler *sampler);

/// For the handler of the signal: takes a sample if somebody wants one.
void apus_sampler_answer(void *machine);

#endif
