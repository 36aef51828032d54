#define _GNU_SOURCE
#include "apus_leaving.h"

#include "apus_traps.h"

#if defined(__linux__) && defined(__x86_64__)

#include <ucontext.h>

void apus_leaving_note(
    struct apus_store_context *store, uint32_t signal, struct apus_departure departure) {
    store->trap_signal = signal;
    store->trap_pc = departure.pc;
    store->trap_fp = departure.fp;
    store->trap_address = departure.address;
    store->trap_context = departure.context;
    apus_trace_capture(store, departure.pc, departure.fp, departure.sp);
}

void apus_leaving_note_signal(
    struct apus_store_context *store, int signal, uintptr_t address, const void *machine) {
    const greg_t *registers = ((const ucontext_t *)machine)->uc_mcontext.gregs;
    struct apus_departure departure = {
        .pc = (uintptr_t)registers[REG_RIP],
        .fp = (uintptr_t)registers[REG_RBP],
        .sp = (uintptr_t)registers[REG_RSP],
        .address = address,
        .context = (uintptr_t)registers[REG_R15],
    };
    apus_leaving_note(store, (uint32_t)signal, departure);
    if (store->is_metered) store->fuel = registers[REG_R14];
}

void apus_leaving_land_after_signal(const struct apus_store_context *store, void *machine) {
    greg_t *registers = ((ucontext_t *)machine)->uc_mcontext.gregs;
    registers[REG_RIP] = (greg_t)store->landing;
    registers[REG_RSP] = (greg_t)store->entry_sp;
}

_Noreturn void apus_leaving_land(const struct apus_store_context *store) {
    __asm__ volatile("movq %0, %%rsp\n\tjmpq *%1"
                     :
                     : "r"(store->entry_sp), "r"(store->landing)
                     : "memory");
    __builtin_unreachable();
}

#endif
