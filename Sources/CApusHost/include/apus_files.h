// Calls of the operating system that Swift cannot make: variadic ones, and those the C library
// wraps on some systems only. Each returns a negative error number if it fails, and -ENOSYS where
// the system has no such call.
#ifndef APUS_FILES_H
#define APUS_FILES_H

#include <poll.h>
#include <stdint.h>

/// Opens `path` from `directory`, never leaving it on the way: no "..", symbolic link or mount
/// trick reaches above, and no magic link is followed. Returns a descriptor.
int32_t apus_open_beneath(int32_t directory, const char *path, int32_t flags, uint32_t mode);

/// Opens a file without a name for writing, in the file system of the folder at `path`, seen from
/// `directory`: it goes with its descriptor, which is returned, unless it is named.
int32_t apus_open_unnamed(int32_t directory, const char *path, uint32_t mode);

/// Gives the file that `apus_open_unnamed` has opened the name `path`, which nothing has yet.
int32_t apus_name_file(int32_t descriptor, int32_t directory, const char *path);

/// Reads directory entries as the kernel lays them out (struct linux_dirent64). Returns bytes.
int64_t apus_directory_entries(int32_t directory, void *buffer, uint64_t bytes);

/// Fills `buffer` with random bytes of the system's; may return fewer than asked for.
int64_t apus_random_bytes(void *buffer, uint64_t bytes);

#if defined(__linux__)
/// Whether an open file is one of procfs, through which the kernel shows processes: 0 if not, 1 if
/// it is, 2 if it lies in the folder of a process.
int32_t apus_process_file(int32_t descriptor);
#endif

/// Takes a connection off a listening socket. Where the system can, no process that is started
/// meanwhile has it as well. Returns its descriptor.
int32_t apus_accept(int32_t descriptor, int32_t nonblocking);

/// Waits until a descriptor is ready, at most `nanoseconds` (negative: without end; the system may
/// round up). Returns how many are.
int32_t apus_poll(struct pollfd *requests, uint64_t count, int64_t nanoseconds);

#endif
