/// References and aggregates: the prefix 0xFB.
/// The row's number is the code.
extension Opcodes {
    static let aggregates: InlineArray<31, Opcode> = [
        row("struct.new", 0, .structNew(.values)),
        row("struct.new_default", 1, .structNew(.defaults)),
        row("struct.get", 2, .structGet(.none)),
        row("struct.get_s", 3, .structGet(.signed)),
        row("struct.get_u", 4, .structGet(.unsigned)),
        row("struct.set", 5, .structSet),
        row("array.new", 6, .arrayNew(.values)),
        row("array.new_default", 7, .arrayNew(.defaults)),
        row("array.new_fixed", 8, .arrayNewFixed),
        row("array.new_data", 9, .arrayNewData),
        row("array.new_elem", 10, .arrayNewElement),
        row("array.get", 11, .arrayGet(.none)),
        row("array.get_s", 12, .arrayGet(.signed)),
        row("array.get_u", 13, .arrayGet(.unsigned)),
        row("array.set", 14, .arraySet),
        row("array.len", 15, .arrayLength),
        row("array.fill", 16, .arrayFill),
        row("array.copy", 17, .arrayCopy),
        row("array.init_data", 18, .arrayInitData),
        row("array.init_elem", 19, .arrayInitElement),
        row("ref.test", 20, .refTest(nullable: false)),
        row("ref.test", 21, .refTest(nullable: true)),
        row("ref.cast", 22, .refCast(nullable: false)),
        row("ref.cast", 23, .refCast(nullable: true)),
        row("br_on_cast", 24, .brOnCast),
        row("br_on_cast_fail", 25, .brOnCastFail),
        row("any.convert_extern", 26, .anyConvertExtern),
        row("extern.convert_any", 27, .externConvertAny),
        row("ref.i31", 28, .refI31),
        row("i31.get_s", 29, .i31Get(.signed)),
        row("i31.get_u", 30, .i31Get(.unsigned)),
    ]

    private static func row(
        _ name: StaticString, _ code: UInt16, _ operation: Operation
    ) -> Opcode {
        Opcode(
            name: name, prefix: 0xFB, code: code, operation: operation,
            feature: .garbageCollection)
    }
}
