/// A table of trivial values, one for each byte, that is made once and never changes.
///
/// Reading it is one load: no bounds check, since every byte has an entry, and no copy, which a
/// table held by value may cost at each read.
@frozen @safe
public struct ConstantTable<Element: BitwiseCopyable & Sendable>: Sendable {
    // SAFETY: points to 256 elements, initialised in `init`, never written or freed afterwards.
    @usableFromInline nonisolated(unsafe) let base: UnsafePointer<Element>

    /// Makes the table; it lives as long as the process, so make few.
    public init(_ element: (UInt8) -> Element) {
        // SAFETY: 256 elements are allocated and each is initialised, before anybody reads one;
        // they are never freed.
        let storage = UnsafeMutablePointer<Element>.allocate(capacity: 256)
        for index in UInt8.min...UInt8.max {
            unsafe (storage + Int(index)).initialize(to: element(index))
        }
        unsafe base = UnsafePointer(storage)
    }

    @inlinable
    public subscript(index: UInt8) -> Element {
        // SAFETY: an index of 8 bits is below 256.
        @inline(__always) get { unsafe base[Int(index)] }
    }
}
