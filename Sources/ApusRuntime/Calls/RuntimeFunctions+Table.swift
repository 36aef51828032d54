internal import ApusABI
internal import ApusFormat
internal import CApusHost

// SAFETY: who calls these is compiled code. It keeps that contexts are of instances that run; the
// validator, that indices and places of tables and segments are those of the module's.
extension RuntimeFunctions {
    /// (table, value, delta) → old size or -1
    static let tableGrow: Entry = { context, table, value, delta, _, _ in
        // SAFETY: the index is one of the module's tables.
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
        // SAFETY: `tableElements` gives a range only if the table has all of it.
        guard let start = unsafe tableElements(context, table, destination, count) else {
            return unsafe nothing(context, but: .tableOutOfBounds)
        }
        let elements = Int(truncatingIfNeeded: count)
        return unsafe inPieces(
            context, elements, of: Pieces.elements, cost: FuelCost.ofElements(count),
            backward: false
        ) { offset, length in
            unsafe (start + offset).update(repeating: value, count: length)
        }
    }

    /// (places of the destination's table and of the source's, or of an element segment,
    /// destination, source, count)
    static let tableCopy: Entry = { context, target, origin, destination, source, count in
        // SAFETY: `tableElements` gives ranges only if both have all of them; where they overlap,
        // the pieces go from the end that is overwritten last.
        guard let start = unsafe tableElements(context, target, destination, count),
            let from = unsafe tableElements(context, origin, source, count)
        else { return unsafe nothing(context, but: .tableOutOfBounds) }
        let elements = Int(truncatingIfNeeded: count)
        return unsafe inPieces(
            context, elements, of: Pieces.elements, cost: FuelCost.ofElements(count),
            backward: start > from
        ) { offset, length in
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
        // SAFETY: the place, an offset that `ContextLayout` has given to the compiler, is that of a
        // record, or with its lowest bit of a record's address, which `ContextWriter` has written.
        // A record says how many elements there are, and only this thread changes it.
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

    /// (segment)
    static let elementDrop: Entry = { context, segment, _, _, _, _ in
        // SAFETY: the index is one of the module's segments.
        unsafe withInstance(context) { instance in
            instance.dropElements(Int(truncatingIfNeeded: segment))
            return 0
        }
    }
}
