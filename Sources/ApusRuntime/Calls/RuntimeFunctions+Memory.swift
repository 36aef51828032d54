internal import ApusABI
internal import ApusFormat
internal import CApusHost

// SAFETY: contexts come from compiled code that runs; indices of memories and segments are valid,
// since the module is; ranges are checked against the memory's size before they are touched.
extension RuntimeFunctions {
    /// (memory, delta pages) → old size in pages or -1
    static let memoryGrow: Entry = { context, memory, delta, _, _, _ in
        unsafe withInstance(context) { instance in
            let memory = instance.memories[Int(truncatingIfNeeded: memory)]
            return memory.grow(by: delta) ?? failure(memory.type.is64)
        }
    }

    /// (memory) → size in pages
    static let memorySize: Entry = { context, memory, _, _, _, _ in
        unsafe withInstance(context) { instance in
            instance.memories[Int(truncatingIfNeeded: memory)].pageCount
        }
    }

    /// (memory, destination, value, count)
    static let memoryFill: Entry = { context, memory, destination, value, count, _ in
        unsafe withInstance(context) { instance in
            let memory = instance.memories[Int(truncatingIfNeeded: memory)]
            guard memory.contains(destination, count: count) else {
                return unsafe outOfBounds(context)
            }
            let start = unsafe memory.baseAddress + Int(truncatingIfNeeded: destination)
            let bytes = Int(truncatingIfNeeded: count)
            return unsafe inPieces(context, bytes, backward: false) { offset, length in
                unsafe (start + offset).initializeMemory(
                    as: UInt8.self, repeating: UInt8(truncatingIfNeeded: value), count: length)
            }
        }
    }

    /// (destination memory, source memory, destination, source, count)
    static let memoryCopy: Entry = { context, target, origin, destination, source, count in
        unsafe withInstance(context) { instance in
            let target = instance.memories[Int(truncatingIfNeeded: target)]
            let origin = instance.memories[Int(truncatingIfNeeded: origin)]
            guard target.contains(destination, count: count),
                origin.contains(source, count: count)
            else { return unsafe outOfBounds(context) }
            let start = unsafe target.baseAddress + Int(truncatingIfNeeded: destination)
            let from = unsafe origin.baseAddress + Int(truncatingIfNeeded: source)
            let bytes = Int(truncatingIfNeeded: count)
            return unsafe inPieces(context, bytes, backward: start > from) { offset, length in
                unsafe (start + offset).copyMemory(from: from + offset, byteCount: length)
            }
        }
    }

    /// (memory, segment, destination, source, count)
    static let memoryInit: Entry = { context, memory, segment, destination, source, count in
        unsafe withInstance(context) { instance in
            let fits = instance.initializeMemory(
                Int(truncatingIfNeeded: memory), fromSegment: Int(truncatingIfNeeded: segment),
                at: destination, source: source, count: count)
            guard fits else { return unsafe outOfBounds(context) }
            unsafe pay(context, FuelCost.ofBytes(count))
            return 0
        }
    }

    /// (segment)
    static let dataDrop: Entry = { context, segment, _, _, _, _ in
        unsafe withInstance(context) { instance in
            instance.dropData(Int(truncatingIfNeeded: segment))
            return 0
        }
    }

    /// The most bytes touched without looking whether the guest is to stop: with fresh pages
    /// this takes well below a millisecond.
    private static var pieceBytes: Int { 1 << 20 }

    /// Calls `body` with the offset and length of one piece of `bytes` after the other, from the
    /// end if `backward`; leaves wasm between them when the guest is to stop.
    @inline(__always)
    private static func inPieces(
        _ context: UnsafeMutablePointer<apus_context>, _ bytes: Int, backward: Bool,
        _ body: (Int, Int) -> Void
    ) -> UInt64 {
        var done = 0
        guard unsafe pay(context, FuelCost.ofBytes(UInt64(bytes))) else { return 0 }
        while bytes - done > pieceBytes {
            body(backward ? bytes - done - pieceBytes : done, pieceBytes)
            done += pieceBytes
            if unsafe apus_interrupt_is_requested(context.pointee.store_context) != 0 { return 0 }
        }
        body(backward ? 0 : done, bytes - done)
        return 0
    }

    private static func outOfBounds(_ context: UnsafeMutablePointer<apus_context>) -> UInt64 {
        unsafe setTrap(context, .memoryOutOfBounds)
        return 0
    }

    /// -1 as the index type of a memory or table has it.
    static func failure(_ is64: Bool) -> UInt64 { is64 ? .max : 0xFFFF_FFFF }
}
