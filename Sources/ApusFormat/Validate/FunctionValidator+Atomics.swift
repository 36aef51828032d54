internal import ApusCollections

/// Atomic memory accesses: the prefix 0xFE (threads proposal).
extension FunctionValidator {
    /// Instructions that wait and notify.
    mutating func validateWait(_ row: ValidationRow) throws(ModuleError) {
        note(.callsRuntime)
        try validateAtomic(row)
    }

    mutating func validateAtomic(_ row: ValidationRow) throws(ModuleError) {
        note(.synchronizes)
        let signature = row.signature
        let address = try readAtomicArgument(natural: row.naturalAlignment)
        if signature.count > 2 { try pop(ValueType(bits: UInt32(signature.third))) }
        if signature.count > 1 { try pop(ValueType(bits: UInt32(signature.second))) }
        try pop(address)
        if signature.result != 0 { push(ValueType(bits: UInt32(signature.result))) }
    }

    /// Reads a memory argument, whose alignment has no choice. Returns the type of the memory's
    /// addresses.
    private mutating func readAtomicArgument(natural: UInt8) throws(ModuleError) -> ValueType {
        let start = reader.position
        let address = try readMemoryArgument(natural: natural)
        let end = reader.position
        reader.position = start
        guard try reader.readUnsigned32() & 0x3F == UInt32(natural) else {
            throw invalid("atomic alignment must be natural")
        }
        reader.position = end
        return address
    }

    /// A byte follows that may come to mean something.
    mutating func validateFence() throws(ModuleError) {
        note(.synchronizes)
        guard reader.readByte() == 0 else { throw malformed("zero byte expected") }
    }
}
