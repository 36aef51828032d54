internal import ApusCollections

/// Tables and element segments (3.4.5).
extension FunctionValidator {
    mutating func readTableIndex() throws(ModuleError) -> Int {
        try readIndex(below: tables.count, "table")
    }

    /// Reads the index of an element segment. Returns the type of what is in it.
    mutating func readElementIndex() throws(ModuleError) -> ValueType {
        let index = try readIndex(below: module.elements.count, "elem segment")
        return module.canonical(module.elements[index].contentType)
    }

    mutating func validateTableGet() throws(ModuleError) {
        let table = try readTableIndex()
        try pop(tableAddresses[table])
        push(tables[table])
    }

    mutating func validateTableSet() throws(ModuleError) {
        let table = try readTableIndex()
        try pop(tables[table])
        try pop(tableAddresses[table])
        note(.writesTables)
    }

    mutating func validateTableGrow() throws(ModuleError) {
        note(.callsRuntime)
        let table = try readTableIndex()
        let address = tableAddresses[table]
        try pop(address)
        try pop(tables[table])
        push(address)
    }

    mutating func validateTableFill() throws(ModuleError) {
        note([.callsRuntime, .writesTables])
        let table = try readTableIndex()
        let address = tableAddresses[table]
        try pop(address, tables[table], address)
    }

    mutating func validateTableCopy() throws(ModuleError) {
        note([.callsRuntime, .writesTables])
        let destination = try readTableIndex()
        let source = try readTableIndex()
        try checkElement(tables[source], fits: destination)
        let target = tableAddresses[destination]
        let origin = tableAddresses[source]
        try pop(target, origin, target == origin ? target : .i32)
    }

    mutating func validateTableInit() throws(ModuleError) {
        note([.callsRuntime, .writesTables])
        let type = try readElementIndex()
        let table = try readTableIndex()
        try checkElement(type, fits: table)
        try pop(tableAddresses[table], .i32, .i32)
    }

    mutating func validateElementDrop() throws(ModuleError) {
        note(.callsRuntime)
        _ = try readElementIndex()
    }

    private mutating func checkElement(_ type: ValueType, fits table: Int) throws(ModuleError) {
        guard matches(type, tables[table]) else {
            throw invalid(
                "type mismatch: table \(table) holds \(module.describe(tables[table])), "
                    + "not \(module.describe(type))")
        }
    }
}
