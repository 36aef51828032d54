#ifndef APUS_PROCESSOR_H
#define APUS_PROCESSOR_H

#include <stdint.h>

/// Bits as in ApusABI's ProcessorFeatures, for the processor this runs on.
uint32_t apus_processor_features(void);

#endif
