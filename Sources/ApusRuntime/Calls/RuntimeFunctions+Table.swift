internal import ApusABI
internal import ApusFormat
internal import CApusHost

// SAFETY: contexts come from compiled code that runs; places and indices of tables and segments are
// valid, since the module is; ranges are checked against the records before they are touched.
extension RuntimeFunctions {
    /// (table, value, delta) → old size or -1
    static let tableGrow: Entry = { context, table, value, delta, _, _ in
        unsafe withInstance(context) { instance in
            let table = instance.tables[Int(truncatingIfNeeded: table)]
            let old = orFail(instance) {
                try instance.store.grow(
                    table, by: delta, value,
                    pay: { unsafe pay(context, FuelCost.ofElements(delta)) },
                    mayGoOn: { unsafe mayGoOn(context) })
            }
            return old ?? failure(table.type.is64)
        }
    }

    /// (place of a table, destination, value, count)
    static let tableFill: Entry = { context, table, destination, value, count, _ in
        guard let start = unsafe tableElements(context, table, destination, count) else {
            return unsafe outOfBounds(context)
        }
        let elements = Int(truncatingIfNeeded: count)
        return unsafe inPieces(context, elements, backward: false) { offset, length in
            unsafe (start + offset).update(repeating: value, count: length)
        }
    }

    /// (places of the destination's table and of the source's, or of an element segment,
    /// destination, source, count)
    static let tableCopy: Entry = { context, target, origin, destination, source, count in
        guard let start = unsafe tableElements(context, target, destination, count),
            let from = unsafe tableElements(context, origin, source, count)
        else { return unsafe outOfBounds(context) }
        let elements = Int(truncatingIfNeeded: count)
        return unsafe inPieces(context, elements, backward: start > from) { offset, length in
            unsafe (start + offset).update(from: from + offset, count: length)
        }
    }

    /// Where `count` elements from `index` on are, of the table or segment whose record is at a
    /// `ContextLayout.tablePlace`; nil if it does not have them. What is done to them does not
    /// show in the table's owner: the module is known to do it.
    @inline(__always)
    static func tableElements(
        _ context: UnsafeMutablePointer<apus_context>, _ place: UInt64, _ index: UInt64,
        _ count: UInt64
    ) -> UnsafeMutablePointer<UInt64>? {
        var record = unsafe UnsafeMutableRawPointer(context) + Int(truncatingIfNeeded: place & ~1)
        if place & 1 != 0 { unsafe record = record.load(as: UnsafeMutableRawPointer.self) }
        let table = unsafe record.assumingMemoryBound(to: apus_table.self)
        let size = unsafe table.pointee.count
        guard count <= size, index <= size &- count else { return nil }
        // Where there is nothing, as in a segment that is gone, any address is as good.
        let first =
            unsafe table.pointee.elements ?? record.assumingMemoryBound(to: UInt64.self)
        return unsafe first + Int(truncatingIfNeeded: index)
    }

    /// Pays for `elements` and works on one piece of them after the other, until the guest is to
    /// stop.
    @inline(__always)
    private static func inPieces(
        _ context: UnsafeMutablePointer<apus_context>, _ elements: Int, backward: Bool,
        _ body: (Int, Int) -> Void
    ) -> UInt64 {
        guard unsafe pay(context, FuelCost.ofElements(UInt64(elements))) else { return 0 }
        Pieces.forEach(
            in: elements, of: Pieces.elements, backward: backward,
            mayGoOn: { unsafe mayGoOn(context) }, body)
        return 0
    }

    /// (segment)
    static let elementDrop: Entry = { context, segment, _, _, _, _ in
        unsafe withInstance(context) { instance in
            instance.dropElements(Int(truncatingIfNeeded: segment))
            return 0
        }
    }

    private static func outOfBounds(_ context: UnsafeMutablePointer<apus_context>) -> UInt64 {
        unsafe setTrap(context, .tableOutOfBounds)
        return 0
    }
}
