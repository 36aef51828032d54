internal import ApusABI
internal import ApusFormat
internal import CApusHost

// SAFETY: who calls these is compiled code. It keeps that contexts are of instances that run; the
// validator, that indices and places of memories and segments are those of the module's.
extension RuntimeFunctions {
    /// (memory, delta pages) → old size in pages or -1
    static let memoryGrow: Entry = { context, memory, delta, _, _, _ in
        // SAFETY: the index is one of the module's memories.
        unsafe withInstance(context) { instance in
            let memory = instance.memories[Int(truncatingIfNeeded: memory)]
            let old = orFail(instance) { try instance.store.grow(memory, by: delta) }
            return old ?? failure(memory.type.is64)
        }
    }

    /// (place of a memory, destination, value, count)
    static let memoryFill: Entry = { context, memory, destination, value, count, _ in
        // SAFETY: `memoryBytes` gives a range only if the memory has all of it, and memories do not
        // shrink.
        guard let start = unsafe memoryBytes(context, memory, destination, count) else {
            return unsafe nothing(context, but: .memoryOutOfBounds)
        }
        let bytes = Int(truncatingIfNeeded: count)
        return unsafe inPieces(
            context, bytes, of: Pieces.bytes, cost: FuelCost.ofBytes(count), backward: false
        ) { offset, length in
            unsafe (start + offset).initializeMemory(
                as: UInt8.self, repeating: UInt8(truncatingIfNeeded: value), count: length)
        }
    }

    /// (places of the destination's memory and of the source's, or of a data segment, destination,
    /// source, count)
    static let memoryCopy: Entry = { context, target, origin, destination, source, count in
        // SAFETY: `memoryBytes` gives ranges only if both have all of them; where they overlap, the
        // pieces go from the end that is overwritten last.
        guard let start = unsafe memoryBytes(context, target, destination, count),
            let from = unsafe memoryBytes(context, origin, source, count)
        else { return unsafe nothing(context, but: .memoryOutOfBounds) }
        let bytes = Int(truncatingIfNeeded: count)
        return unsafe inPieces(
            context, bytes, of: Pieces.bytes, cost: FuelCost.ofBytes(count),
            backward: start > from
        ) { offset, length in
            unsafe (start + offset).copyMemory(from: from + offset, byteCount: length)
        }
    }

    /// Where `count` bytes from `address` on are, of the memory or segment whose record is at a
    /// `ContextLayout.memoryPlace`; nil if it does not have them. Filling and copying are often
    /// short: nothing that counts references is touched.
    @inline(__always)
    static func memoryBytes(
        _ context: UnsafeMutablePointer<apus_context>, _ place: UInt64, _ address: UInt64,
        _ count: UInt64
    ) -> UnsafeMutableRawPointer? {
        // SAFETY: the place, an offset that `ContextLayout` has given to the compiler, is that of a
        // record, or with its lowest bit of a record's address, which `ContextWriter` has written.
        // A record says how many bytes there are; of a shared memory, other threads let it grow.
        var record = unsafe UnsafeMutableRawPointer(context) + Int(truncatingIfNeeded: place & ~1)
        if place & 1 != 0 { unsafe record = record.load(as: UnsafeMutableRawPointer.self) }
        let memory = unsafe record.assumingMemoryBound(to: apus_memory.self)
        let size = unsafe apus_memory_bytes(memory)
        guard count <= size, address <= size &- count else { return nil }
        // Where there is nothing, as in a segment that is gone, any address is as good.
        let base = unsafe memory.pointee.base.map { UnsafeMutableRawPointer($0) } ?? record
        return unsafe base + Int(truncatingIfNeeded: address)
    }

    /// (segment)
    static let dataDrop: Entry = { context, segment, _, _, _, _ in
        // SAFETY: the index is one of the module's segments.
        unsafe withInstance(context) { instance in
            instance.dropData(Int(truncatingIfNeeded: segment))
            return 0
        }
    }

    /// -1 as the index type of a memory or table has it.
    static func failure(_ is64: Bool) -> UInt64 { is64 ? .max : 0xFFFF_FFFF }
}
