public import ApusFormat
internal import CApusHost

/// A global: 16 bytes at a fixed address, the value in the low ones.
///
/// Specification: 4.2.9 “Global Instances”.
@safe
public final class GlobalCell {
    // SAFETY: `address` points to 16 bytes, aligned to 16, that live as long as the store, which
    // owns this object: in an instance's context, or its own allocation.
    public let type: GlobalType
    let address: UnsafeMutablePointer<UInt64>
    private let ownsAddress: Bool

    init(
        _ type: GlobalType, at address: UnsafeMutablePointer<UInt64>? = nil
    ) throws(ResourceError) {
        self.type = type
        // SAFETY: who gives an address keeps the 16 bytes there as long as the global, as `address`
        // says; else they are allocated here, zeros.
        ownsAddress = unsafe address == nil
        if let address = unsafe address {
            unsafe self.address = address
            return
        }
        guard let own = unsafe apus_allocate(16) else {
            throw ResourceError(.context, requested: 16)
        }
        unsafe self.address = own.assumingMemoryBound(to: UInt64.self)
    }

    deinit {
        // SAFETY: nobody uses the global any more, and these bytes are its own.
        if ownsAddress { unsafe apus_free(address) }
    }

    /// The value's bits: numbers zero-extended; references as in tables.
    public var bits: UInt64 {
        // SAFETY: `address` has 16 bytes, which live as long as this object.
        get { unsafe address[0] }
        set { unsafe address[0] = newValue }
    }

    /// The upper half of a v128 value.
    public var highBits: UInt64 {
        // SAFETY: `address` has 16 bytes, which live as long as this object.
        get { unsafe address[1] }
        set { unsafe address[1] = newValue }
    }
}
