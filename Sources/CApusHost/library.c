#define _GNU_SOURCE
#include "apus_library.h"

#include "thread_sanitizer.h"

#include <errno.h>
#include <stddef.h>

#if defined(__linux__)
#include <features.h>
#endif

#if defined(__GLIBC__)
#include <dlfcn.h>
#include <link.h>

int32_t apus_library_keep(void) {
    Dl_info info;
    struct link_map *library = NULL;
    if (!dladdr1((void *)apus_library_keep, &info, (void **)&library, RTLD_DL_LINKMAP)) return 0;
    // The program itself has no name and stays anyway.
    if (!library || library->l_name[0] == 0) return 0;
    void *handle = dlopen(library->l_name, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    return handle ? 0 : ENOENT;
}
#else
// musl never unloads a library, Darwin none that contains Swift.
int32_t apus_library_keep(void) {
    return 0;
}
#endif

int32_t apus_library_sanitizes_threads(void) {
#ifdef APUS_SANITIZES_THREADS
    return 1;
#else
    return 0;
#endif
}
