internal import ApusCollections
internal import CApusHost

/// The bytes that compiled code looks at before each instruction of a module (`docs/abi.md`, “Stop
/// points”): where one is not 0 it stops.
@safe
final class StopTable: @unchecked Sendable {
    // SAFETY: `bytes` is an allocation of `count` bytes that this object owns. Guests read them
    // while others write: single bytes, by the functions that are there for that. Whoever leads
    // compiled code to them keeps this object until it is led elsewhere.
    let count: Int
    private let bytes: UnsafeMutablePointer<UInt8>

    /// As many bytes as the module's code has.
    init(count: Int, filled: Bool) throws(ResourceError) {
        // SAFETY: the allocation has at least `count` bytes, all of which are initialised.
        let size = UInt64(max(count, 1))
        guard let memory = unsafe apus_allocate(size) else {
            throw ResourceError(.context, requested: size)
        }
        self.count = count
        unsafe bytes = memory.assumingMemoryBound(to: UInt8.self)
        if filled { unsafe bytes.update(repeating: 0xFF, count: count) }
    }

    // SAFETY: guests are led elsewhere before the last of them lets go of this object.
    deinit { unsafe apus_free(bytes) }

    /// Has the code of an instance, whose context has the address at `place`, look here.
    func watch(_ place: UInt) {
        // SAFETY: the instance's context has room for an address at `place`, as its layout says;
        // the bytes stay where they are.
        unsafe apus_stops_set(UnsafeMutablePointer(bitPattern: place), bytes)
    }

    /// The bits of an instruction.
    subscript(place: Int) -> UInt8 {
        // SAFETY: the place is below `count`, as was compared; single bytes are read and written as
        // one.
        get { place >= 0 && place < count ? unsafe apus_stop_read(bytes + place) : 0 }
        set {
            guard place >= 0, place < count else { return }
            unsafe apus_stop_write(bytes + place, newValue)
        }
    }
}
