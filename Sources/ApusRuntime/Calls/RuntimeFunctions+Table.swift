internal import ApusABI
internal import ApusFormat
internal import CApusHost

// SAFETY: contexts come from compiled code that runs; indices of tables and segments are valid,
// since the module is; the tables check ranges themselves.
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

    /// (table, destination, value, count)
    static let tableFill: Entry = { context, table, destination, value, count, _ in
        unsafe withInstance(context) { instance in
            let table = instance.tables[Int(truncatingIfNeeded: table)]
            guard table.contains(destination, count) else { return unsafe outOfBounds(context) }
            guard unsafe pay(context, FuelCost.ofElements(count)) else { return 0 }
            _ = table.fill(destination, value, count) { unsafe mayGoOn(context) }
            return 0
        }
    }

    /// (destination table, source table, destination, source, count)
    static let tableCopy: Entry = { context, target, origin, destination, source, count in
        unsafe withInstance(context) { instance in
            let target = instance.tables[Int(truncatingIfNeeded: target)]
            let origin = instance.tables[Int(truncatingIfNeeded: origin)]
            guard target.contains(destination, count), origin.contains(source, count) else {
                return unsafe outOfBounds(context)
            }
            guard unsafe pay(context, FuelCost.ofElements(count)) else { return 0 }
            _ = target.copy(destination, from: origin, source, count) { unsafe mayGoOn(context) }
            return 0
        }
    }

    /// (table, segment, destination, source, count)
    static let tableInit: Entry = { context, table, segment, destination, source, count in
        unsafe withInstance(context) { instance in
            let fits = instance.initializeTable(
                Int(truncatingIfNeeded: table), fromSegment: Int(truncatingIfNeeded: segment),
                at: destination, source: source, count: count,
                pay: { unsafe pay(context, FuelCost.ofElements(count)) },
                mayGoOn: { unsafe mayGoOn(context) })
            return fits ? 0 : unsafe outOfBounds(context)
        }
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
