#ifndef APUS_REFERENCES_H
#define APUS_REFERENCES_H

/// Counts a new reference to a Swift object whose memory is there, and gives it; NULL if the object
/// is going: then its last reference is gone, and no other one can be had.
void *apus_keep_unless_going(void *object);

#endif
