import ApusCollections
import ApusFormat
import Testing

/// What errors say of where they are.
@Suite struct ModuleErrorTests {
    @Test func offsets() {
        let error = ModuleError(.invalid, at: 31, "type mismatch")
        #expect(error.description == "invalid module: type mismatch, at byte 31 (0x1f)")
        #expect(error.function == nil && error.file == nil && error.place == nil)
    }

    @Test func filesAndFunctions() {
        var error = ModuleError(.unsupported(.threads), at: 10, "prefix fe")
        error.file = "a\u{1B}.wasm"
        error.function = ModuleError.Function(index: 3, name: "f\n")
        #expect(
            error.description == """
                a\\u{1b}.wasm: unsupported feature threads: prefix fe, in function 3 (f\\n), \
                at byte 10 (0xa)
                """)
        error.function?.name = nil
        #expect(error.description.contains(", in function 3, at byte"))
    }

    @Test func placesInTexts() {
        var error = ModuleError(.limit, at: 10, "too many")
        error.place = TextPlace(
            line: 4, column: 2, sourceLine: "\tlocal.get", indentation: 1, length: 9)
        #expect(
            error.description == """
                4:2: implementation limit: too many
                  \tlocal.get
                  \t^~~~~~~~~
                """)
        error.file = "m.wat"
        #expect(error.description.hasPrefix("m.wat:4:2: implementation limit"))
    }

    @Test func equality() {
        var error = ModuleError(.malformed, at: 1, "a")
        #expect(error == ModuleError(.malformed, at: 1, "a"))
        #expect(error != ModuleError(.malformed, at: 1, "b"))
        let other = error
        error.message = "c"
        #expect(other.message == "a" && error.message == "c")
        #expect(Set([other, other, error]).count == 2)
    }

    @Test func functionsAreNamedByTheNameSectionOrAnExport() throws {
        func error(_ change: (inout ModuleBuilder) -> Void) throws -> ModuleError? {
            var builder = ModuleBuilder()
            builder.importFunction("m", "f", FunctionType())
            builder.addFunction(FunctionType([], [.i32])) { _ in }
            change(&builder)
            let module = try builder.build()
            var validator = FunctionValidator(module)
            return #expect(throws: ModuleError.self) { try validator.validate(1) }
        }
        #expect(try error { _ in }?.function == .init(index: 1, name: nil))
        #expect(try error { $0.export("e", .function(1)) }?.function?.name == "e")
        // The name section: functions, one of them, index 1, one byte.
        let names: [UInt8] = [1, 4, 1, 1, 1, UInt8(ascii: "n")]
        let named = try error {
            $0.export("e", .function(1))
            $0.addCustomSection("name", names)
        }
        #expect(named?.function?.name == "n")
        #expect(named?.description.contains("in function 1 (n), at byte") == true)
    }

    @Test func componentsAreNoModules() {
        let header: [UInt8] = [0x00, 0x61, 0x73, 0x6D, 0x0D, 0x00, 0x01, 0x00]
        let error = #expect(throws: ModuleError.self) {
            try ModuleDecoder.decode(ByteStorage(header))
        }
        #expect(error?.kind == .component)
        #expect(error?.description.hasPrefix("this is a component") == true)
        for version: [UInt8] in [[0x0D, 0, 0, 0], [0, 0, 1, 0], [1, 0, 2, 0], [2, 0, 0, 0]] {
            let other = #expect(throws: ModuleError.self) {
                try ModuleDecoder.decode(ByteStorage(header.prefix(4) + version))
            }
            #expect(other?.kind == .malformed)
            #expect(other?.message == "unknown binary version")
        }
    }
}
