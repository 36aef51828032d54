#define _GNU_SOURCE
#include "apus_build.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)
#include <link.h>

/// What is looked for, and what is found.
struct search {
    uintptr_t address;
    uint8_t *id;
    uint32_t room;
    uint32_t length;
    int32_t file;
};

static int contains(const struct dl_phdr_info *object, uintptr_t address) {
    for (int index = 0; index < object->dlpi_phnum; index++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[index];
        uintptr_t start = object->dlpi_addr + part->p_vaddr;
        if (part->p_type == PT_LOAD && address - start < part->p_memsz) return 1;
    }
    return 0;
}

static uint64_t rounded(uint64_t bytes) {
    return (bytes + 3) & ~(uint64_t)3;
}

/// Copies the build id if it is among the notes at `notes`.
static void find_note(struct search *search, const uint8_t *notes, uint64_t bytes) {
    ElfW(Nhdr) note;
    while (bytes >= sizeof note) {
        memcpy(&note, notes, sizeof note);
        uint64_t name = sizeof note;
        uint64_t contents = name + rounded(note.n_namesz);
        uint64_t end = contents + rounded(note.n_descsz);
        if (end > bytes) return;
        int is_id = note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4
            && memcmp(notes + name, "GNU", 4) == 0;
        if (is_id && note.n_descsz <= search->room) {
            memcpy(search->id, notes + contents, note.n_descsz);
            search->length = note.n_descsz;
            return;
        }
        notes += end;
        bytes -= end;
    }
}

static int find_id(struct dl_phdr_info *object, size_t size, void *argument) {
    struct search *search = argument;
    (void)size;
    if (!contains(object, search->address)) return 0;
    for (int index = 0; index < object->dlpi_phnum && search->length == 0; index++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[index];
        if (part->p_type != PT_NOTE) continue;
        find_note(search, (const uint8_t *)(object->dlpi_addr + part->p_vaddr), part->p_memsz);
    }
    return 1;
}

static int open_file(struct dl_phdr_info *object, size_t size, void *argument) {
    struct search *search = argument;
    (void)size;
    if (!contains(object, search->address)) return 0;
    // The program itself has no name.
    const char *path = object->dlpi_name && object->dlpi_name[0] != 0
        ? object->dlpi_name : "/proc/self/exe";
    search->file = open(path, O_RDONLY | O_CLOEXEC);
    return 1;
}

uint32_t apus_build_id(uint8_t *id, uint32_t room) {
    struct search search = {.address = (uintptr_t)apus_build_id, .id = id, .room = room};
    dl_iterate_phdr(find_id, &search);
    return search.length;
}

int32_t apus_build_open(void) {
    struct search search = {.address = (uintptr_t)apus_build_id, .file = -1};
    dl_iterate_phdr(open_file, &search);
    return search.file;
}
#else
uint32_t apus_build_id(uint8_t *id, uint32_t room) {
    (void)id, (void)room;
    return 0;
}

int32_t apus_build_open(void) {
    return -1;
}
#endif

void apus_build_close(int32_t file) {
    close(file);
}
