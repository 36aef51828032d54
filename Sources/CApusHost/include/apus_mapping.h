// Memory from the operating system. Every way to fail passes through here, so that tests can make
// each of them fail in turn.
#ifndef APUS_MAPPING_H
#define APUS_MAPPING_H

#include <stdint.h>

enum apus_access { apus_access_none = 0, apus_access_write = 1, apus_access_execute = 2 };

/// Address space for `bytes` bytes, inaccessible and not backed. Null if there is none.
void *apus_reserve(uint64_t bytes);

/// Sets what may be done with whole pages: nothing; read and write; read and execute. There is no
/// way to ask for both writing and executing. Returns 0 or an error number.
int32_t apus_protect(void *start, uint64_t bytes, enum apus_access access);

/// Makes a range of whole pages within a reservation inaccessible again and gives back what backed
/// it, images included. Returns 0 or an error number; then the range is as it was.
int32_t apus_decommit(void *start, uint64_t bytes);

/// Gives whole pages their first contents again: zeros, or those of the image that is mapped
/// there. Returns 0 or an error number.
int32_t apus_discard(void *start, uint64_t bytes);

/// Maps whole pages of an open file, from `offset` on, to be read and executed, at a place of the
/// system's choice; apus_unmap gives them back. Null if that is not possible.
void *apus_code_map(int32_t file, uint64_t offset, uint64_t bytes);

/// Some pages in a row, as the system describes them: with their addresses.
struct apus_pages {
    uint64_t start;
    uint64_t end;
    uint64_t kinds;
};

/// Finds the pages among those from `start` on of a private mapping that may not hold what was
/// mapped there: zeros, or an image if `is_image`. Puts them into `pages`, in order.
///
/// Returns how many rows of them there are; -1 if there are more than `capacity`, if the system
/// does not say (Linux does since 6.7), or in a child process.
int32_t apus_changed_pages(
    const void *start, uint64_t bytes, int32_t is_image, struct apus_pages *pages,
    uint32_t capacity);

/// Maps the first `bytes` of an open file to be read, at a place of the system's choice. After them
/// comes at least a page of zeros, which apus_unmap has to be told of: it is given
/// apus_file_map_bytes. Null if that is not possible.
void *apus_file_map(int32_t file, uint64_t bytes);

/// How many bytes of address space that takes.
uint64_t apus_file_map_bytes(uint64_t bytes);

/// Which process this is: a child is another one.
int64_t apus_process(void);

/// Makes whole pages of a reservation executable memory, zeros, and gives a second view of them
/// that can be written; apus_unmap gives that back. A child has the same memory, not a copy. Null
/// if that is not possible.
void *apus_code_view_make(void *start, uint64_t bytes);

/// How long an open file is; a negative error number if it is none that can be mapped.
int64_t apus_file_bytes(int32_t file);

/// A file in memory, `bytes` long, all zeros: an image from which pages are copied when they are
/// written. Returns a descriptor, or a negative error number.
int32_t apus_image_make(uint64_t bytes);

/// Writes a part of an image. Returns 0 or an error number.
int32_t apus_image_write(int32_t image, const void *source, uint64_t bytes, uint64_t offset);

/// A descriptor of its own for an open file a part of which is an image. Returns it, or a negative
/// error number.
int32_t apus_image_share(int32_t file);

/// Maps `bytes` of an image from `offset` on, whole pages, over a part of a reservation, to be read
/// and written; what is written there stays there. Returns 0 or an error number.
int32_t apus_image_map(int32_t image, uint64_t offset, void *start, uint64_t bytes);

/// Keeps everybody from changing an image: whoever did would change memories of instances. Returns
/// 0 or an error number.
int32_t apus_image_seal(int32_t image);

/// Maps an image to be read, at a place of the system's choice; apus_unmap gives it back. Null if
/// that is not possible.
const void *apus_image_view(int32_t image, uint64_t bytes);

/// Closes an image. What is mapped stays.
void apus_image_close(int32_t image);

/// How many descriptors the process may have.
uint64_t apus_descriptor_limit(void);

/// Gives a reservation back.
void apus_unmap(void *start, uint64_t bytes);

/// Has the system back the pages of a writable range now, which is faster than one fault each.
/// Without effect where that is not possible.
void apus_populate(void *start, uint64_t bytes);

/// Asks for large pages in a range that will be used densely. A hint.
void apus_prefer_large_pages(void *start, uint64_t bytes);

/// Zeroed memory, aligned to 16 bytes. Null if there is none.
void *apus_allocate(uint64_t bytes);

/// Gives back what apus_allocate gave; null is allowed.
void apus_free(void *start);

/// Bytes per page of the machine.
uint64_t apus_page_bytes(void);

/// Makes the `count`-th request from now on fail, and none after it; 0: none. For tests.
void apus_fail_request(int64_t count);

/// How many requests are left until that happens; at most 0 if it has happened.
int64_t apus_requests_until_failure(void);

/// Requests that succeeded less those given back, of each kind. For tests.
int64_t apus_live_mappings(void);
int64_t apus_live_allocations(void);
int64_t apus_live_images(void);

#endif
