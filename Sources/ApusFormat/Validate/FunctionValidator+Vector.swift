internal import ApusCollections

/// Vector instructions with immediates (3.4.8).
extension FunctionValidator {
    /// A load or store of one lane.
    mutating func validateLaneAccess(_ row: ValidationRow) throws(ModuleError) {
        let address = try readMemoryArgument(natural: row.naturalAlignment)
        try readLane(below: row.laneCount)
        try pop(.v128)
        try pop(address)
        if row.signature.result != 0 { push(.v128) }
    }

    /// An instruction on one lane.
    mutating func validateLane(_ row: ValidationRow) throws(ModuleError) {
        try readLane(below: row.laneCount)
        try apply(row.signature)
    }

    mutating func validateShuffle(_ row: ValidationRow) throws(ModuleError) {
        try readShuffle()
        try apply(row.signature)
    }

    private mutating func readLane(below count: UInt8) throws(ModuleError) {
        let lane = reader.readByte()
        guard lane < count else { throw invalid("invalid lane index \(lane)") }
    }

    private mutating func readShuffle() throws(ModuleError) {
        // All sixteen at once, if there is nothing to say about one.
        if reader.position &+ 16 <= reader.end,
            (reader.peekWord(0) | reader.peekWord(8)) & 0xE0E0_E0E0_E0E0_E0E0 == 0
        {
            reader.position &+= 16
            return
        }
        for _ in 0..<16 {
            if reader.position >= reader.end { throw reader.unexpectedEnd() }
            try readLane(below: 32)
        }
    }
}
