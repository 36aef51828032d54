internal import CApusHost

extension LinearMemory {
    /// Whose address space a memory has.
    enum Backing {
        /// Its own, with a guard before it.
        case own(guardBytesBefore: UInt64)
        /// A pool's, which empties and keeps it.
        case place
        /// The host's; whether we say which pages are accessible.
        case supplied(any SuppliedMemory, isProtected: Bool)

        var isSupplied: Bool {
            if case .supplied = self { return true }
            return false
        }

        /// Whether pages have to be made accessible.
        var isProtected: Bool {
            if case .supplied(_, let isProtected) = self { return isProtected }
            return true
        }

        /// Whether the first `bytes` may be used.
        func grow(to bytes: UInt64) -> Bool {
            if case .supplied(let memory, _) = self { return memory.grow(to: bytes) }
            return true
        }

        /// The memory has gone.
        func release(_ base: UnsafeMutableRawPointer, _ reserved: UInt64) {
            // SAFETY: `base` is the memory's `mapping` and lies behind the guard in the
            // reservation; nobody uses the memory any more.
            switch self {
            case .own(let before):
                unsafe apus_unmap(base - Int(truncatingIfNeeded: before), before &+ reserved)
            case .place: break
            case .supplied(let memory, _): memory.release()
            }
        }

        /// The memory has not been made after all: its address space is as it was before.
        func giveBack(
            _ base: UnsafeMutableRawPointer, _ reserved: UInt64, _ accessible: UInt64
        ) {
            // SAFETY: `base` is the memory's `mapping`, and nobody else has had it.
            if case .place = self { _ = unsafe apus_decommit(base, accessible) }
            unsafe release(base, reserved)
        }
    }
}
