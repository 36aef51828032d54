// Calls of the operating system that would raise a signal besides their error: what nobody reads,
// or is longer than the process may have a file (RLIMIT_FSIZE), would end a host that has done
// nothing wrong. Here there is only the error, as a negative number.
#ifndef APUS_QUIET_CALLS_H
#define APUS_QUIET_CALLS_H

#include <stdint.h>

#if defined(__linux__)
/// Writes `count` pieces (struct iovec) as writev does, but where nobody reads any more there is no
/// signal, only -EPIPE. Returns bytes.
int64_t apus_write_quietly(int32_t descriptor, const void *pieces, int32_t count);
#endif

/// Writes `count` pieces (struct iovec) as writev does; -EFBIG beyond the process's limit. Returns
/// bytes.
int64_t apus_file_write(int32_t descriptor, const void *pieces, int32_t count);

/// The same with one piece.
int64_t apus_file_write_bytes(int32_t descriptor, const void *bytes, uint64_t count);

/// The same as pwritev does.
int64_t apus_file_write_at(
    int32_t descriptor, const void *pieces, int32_t count, int64_t offset);

/// Makes a file longer or shorter. Returns 0; -EFBIG beyond the process's limit.
int32_t apus_file_set_size(int32_t descriptor, int64_t bytes);

/// Makes sure that a file has room for `bytes` bytes from `offset` on, becoming longer if it must;
/// if the file system cannot, nothing is written in its stead. Returns 0; -EFBIG beyond the
/// process's limit.
int32_t apus_make_room(int32_t descriptor, int64_t offset, int64_t bytes);

#endif
