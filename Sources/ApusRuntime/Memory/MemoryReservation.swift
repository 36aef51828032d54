/// A reservation of address space that a pool lends to one memory after the other.
@safe
struct MemoryReservation {
    // SAFETY: `base` is the start of `reservedBytes` bytes of address space, on a page, which the
    // pool keeps and lends to nobody else meanwhile. All of it is inaccessible when a memory gets
    // it and when the memory has gone.
    let base: UnsafeMutableRawPointer
    let reservedBytes: UInt64
}
