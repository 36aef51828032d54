internal import ApusCollections

/// Atomic memory accesses: the prefix 0xFE (threads proposal).
extension FunctionValidator {
    mutating func validateAtomic() throws(ModuleError) {
        let code = try reader.readUnsigned32()
        guard features.has(.threads), let row = Opcodes.opcode(prefix: 0xFE, code: Int(code)),
            let signature = row.operation.fixedSignature
        else { throw refusal(ofPrefix: 0xFE, code: code) }
        note(.synchronizes)
        if signature.count == 0 { return try validateFence() }
        // Those that wait and notify.
        if code < 3 { note(.callsRuntime) }
        let address = try readAtomicArgument(natural: UInt32(row.operation.naturalAlignment))
        if signature.count > 2 { try pop(ValueType(bits: UInt32(signature.third))) }
        if signature.count > 1 { try pop(ValueType(bits: UInt32(signature.second))) }
        try pop(address)
        if signature.result != 0 { push(ValueType(bits: UInt32(signature.result))) }
    }

    /// Reads a memory argument, whose alignment has no choice. Returns the type of the memory's
    /// addresses.
    private mutating func readAtomicArgument(natural: UInt32) throws(ModuleError) -> ValueType {
        var flags = reader
        let address = try readMemoryArgument(natural: natural)
        guard try flags.readUnsigned32() & 0x3F == natural else {
            throw invalid("atomic alignment must be natural")
        }
        return address
    }

    /// A byte follows that may come to mean something.
    private mutating func validateFence() throws(ModuleError) {
        guard reader.readByte() == 0 else { throw malformed("zero byte expected") }
    }
}
