/// Saturating conversions, bulk operations, wide arithmetic: the prefix 0xFC.
/// The row's number is the code.
extension Opcodes {
    static let miscellaneous: InlineArray<23, Opcode> = [
        row("i32.trunc_sat_f32_s", 0, .convert(.i32TruncSatF32Signed), .saturatingConversions),
        row("i32.trunc_sat_f32_u", 1, .convert(.i32TruncSatF32Unsigned), .saturatingConversions),
        row("i32.trunc_sat_f64_s", 2, .convert(.i32TruncSatF64Signed), .saturatingConversions),
        row("i32.trunc_sat_f64_u", 3, .convert(.i32TruncSatF64Unsigned), .saturatingConversions),
        row("i64.trunc_sat_f32_s", 4, .convert(.i64TruncSatF32Signed), .saturatingConversions),
        row("i64.trunc_sat_f32_u", 5, .convert(.i64TruncSatF32Unsigned), .saturatingConversions),
        row("i64.trunc_sat_f64_s", 6, .convert(.i64TruncSatF64Signed), .saturatingConversions),
        row("i64.trunc_sat_f64_u", 7, .convert(.i64TruncSatF64Unsigned), .saturatingConversions),
        row("memory.init", 8, .memoryInit, .bulkMemory),
        row("data.drop", 9, .dataDrop, .bulkMemory),
        row("memory.copy", 10, .memoryCopy, .bulkMemory),
        row("memory.fill", 11, .memoryFill, .bulkMemory),
        row("table.init", 12, .tableInit, .bulkMemory),
        row("elem.drop", 13, .elementDrop, .bulkMemory),
        row("table.copy", 14, .tableCopy, .bulkMemory),
        row("table.grow", 15, .tableGrow, .referenceTypes),
        row("table.size", 16, .tableSize, .referenceTypes),
        row("table.fill", 17, .tableFill, .referenceTypes),
        gap(18),
        row("i64.add128", 19, .wide(.add128), .wideArithmetic),
        row("i64.sub128", 20, .wide(.subtract128), .wideArithmetic),
        row("i64.mul_wide_s", 21, .wide(.multiplySigned), .wideArithmetic),
        row("i64.mul_wide_u", 22, .wide(.multiplyUnsigned), .wideArithmetic),
    ]

    private static func row(
        _ name: StaticString, _ code: UInt16, _ operation: Operation, _ feature: Feature
    ) -> Opcode {
        Opcode(name: name, prefix: 0xFC, code: code, operation: operation, feature: feature)
    }

    private static func gap(_ code: UInt16) -> Opcode { Opcode(gapAt: code, prefix: 0xFC) }
}
