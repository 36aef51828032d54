// The vocabulary of lower floors that this module's signatures are made of. Nothing else of those
// floors is seen by who imports Apus.

@_exported import struct ApusABI.ProcessorFeatures
@_exported import enum ApusABI.TrapCode
@_exported import struct ApusFormat.CustomSection
@_exported import enum ApusFormat.Feature
@_exported import struct ApusFormat.FeatureSet
@_exported import struct ApusFormat.FunctionType
@_exported import struct ApusFormat.GlobalType
@_exported import struct ApusFormat.HeapType
@_exported import struct ApusFormat.MemoryType
@_exported import struct ApusFormat.ModuleError
@_exported import struct ApusFormat.SizeLimits
@_exported import struct ApusFormat.TableType
@_exported import struct ApusFormat.TextPlace
@_exported import struct ApusFormat.ValueType
@_exported import struct ApusRuntime.AllocatorStatistics
@_exported import enum ApusRuntime.ArtifactError
@_exported import enum ApusRuntime.AsynchronousCallError
@_exported import protocol ApusRuntime.AsynchronousResourceLimiter
@_exported import enum ApusRuntime.CallEvent
@_exported import struct ApusRuntime.Growth
@_exported import enum ApusRuntime.Interruption
@_exported import enum ApusRuntime.LendingError
@_exported import struct ApusRuntime.MemoryDemand
@_exported import protocol ApusRuntime.MemorySupplier
@_exported import struct ApusRuntime.ResourceError
@_exported import protocol ApusRuntime.ResourceLimiter
@_exported import protocol ApusRuntime.SharedResourceLimiter
@_exported import protocol ApusRuntime.SuppliedMemory
@_exported import struct ApusText.TextError
