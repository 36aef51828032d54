// Leaving compiled code where it is: from a signal handler, or on the guest's own stack.
#ifndef APUS_LEAVING_H
#define APUS_LEAVING_H

#include <stdint.h>

#include "apus_context.h"

/// Where compiled code is left.
struct apus_departure {
    uintptr_t pc;
    uintptr_t fp;
    uintptr_t sp;       // the stack is in use from here on
    uintptr_t address;  // of the data that could not be accessed; else 0
    uintptr_t context;  // of the instance whose code it is
};

/// Notes in the store context where its guest is left, by which signal (0: the trap says why), and
/// its frames.
void apus_leaving_note(
    struct apus_store_context *store, uint32_t signal, struct apus_departure departure);

/// Notes the same of the compiled code that a signal has found, and the fuel that it has left.
/// `machine` is what the handler has been given.
void apus_leaving_note_signal(
    struct apus_store_context *store, int signal, uintptr_t address, const void *machine);

/// Has the thread go on at the entry trampoline's landing when the handler returns.
void apus_leaving_land_after_signal(const struct apus_store_context *store, void *machine);

/// Goes to the entry trampoline's landing, from compiled code's stack.
_Noreturn void apus_leaving_land(const struct apus_store_context *store);

#endif
