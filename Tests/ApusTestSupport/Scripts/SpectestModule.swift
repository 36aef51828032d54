internal import ApusFormat

/// The module `spectest` that the suite's scripts import from, as a module itself.
public enum SpectestModule {
    public static let bytes: [UInt8] = {
        let printed: [(name: String, parameters: [ValueType])] = [
            ("print", []), ("print_i32", [.i32]), ("print_i64", [.i64]), ("print_f32", [.f32]),
            ("print_f64", [.f64]), ("print_i32_f32", [.i32, .f32]),
            ("print_f64_f64", [.f64, .f64]),
        ]
        var writer = BinaryWriter()
        writer.raw([0x00, 0x61, 0x73, 0x6D, 1, 0, 0, 0])
        writer.section(1, printed) { writer, function in
            writer.byte(0x60)
            writer.types(function.parameters)
            writer.types([])
        }
        writer.section(3, Array(printed.indices)) { $0.unsigned($1) }
        let table = Limits(minimum: 10, maximum: 20)
        writer.section(4, [table]) { writer, limits in
            writer.type(.funcref)
            writer.limits(limits)
        }
        writer.section(5, [Limits(minimum: 1, maximum: 2)]) { $0.limits($1) }
        writeGlobals(into: &writer)
        var exports = printed.enumerated().map { ($1.name, UInt8(0), $0) }
        exports += [("table", 1, 0), ("memory", 2, 0)]
        exports += ["i32", "i64", "f32", "f64"].enumerated().map { ("global_\($1)", 3, $0) }
        writer.section(7, exports) { writer, export in
            writer.name(export.0)
            writer.byte(export.1)
            writer.unsigned(export.2)
        }
        writer.section(10, printed) { writer, _ in writer.raw([2, 0, 0x0B]) }
        return writer.bytes
    }()

    /// 666 and 666.6 in each number type.
    private static func writeGlobals(into writer: inout BinaryWriter) {
        writer.section(6, [ValueType.i32, .i64, .f32, .f64]) { writer, type in
            writer.type(type)
            writer.byte(0)
            switch type {
            case .i32: writer.raw([0x41, 0x9A, 0x05])
            case .i64: writer.raw([0x42, 0x9A, 0x05])
            case .f32:
                writer.byte(0x43)
                writer.word(UInt64(Float(666.6).bitPattern), byteCount: 4)
            default:
                writer.byte(0x44)
                writer.word(666.6.bitPattern, byteCount: 8)
            }
            writer.byte(0x0B)
        }
    }
}
