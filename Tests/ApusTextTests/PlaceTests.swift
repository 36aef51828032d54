import ApusCollections
import ApusFormat
import ApusText
import Testing

/// Each byte of a module leads back to its place in the text.
@Suite struct PlaceTests {
    /// What is marked for the first error of the module `text`, or what else there is.
    private func marked(_ text: String) throws -> String {
        let source = ByteStorage(Array(text.utf8))
        let bytes = ByteStorage(try TextFormat.parseModule(source))
        do throws(ModuleError) {
            let module = try ModuleDecoder.decode(bytes)
            try ModuleValidator.validate(module)
            var validator = FunctionValidator(module)
            for index in module.importedFunctionCount..<module.functions.count {
                try validator.validate(index)
            }
            return "valid"
        } catch {
            guard let place = TextFormat.place(ofByte: error.offset, in: source) else {
                return "nowhere"
            }
            let shown = place.sourceLine.dropFirst(place.indentation).prefix(place.length)
            return "\(place.line):\(place.column) \(shown)"
        }
    }

    @Test(arguments: [
        ("(module\n (func\n  i32.const 1\n  i64.eqz\n  drop))", "4:3 i64.eqz"),
        ("(func (drop\n (i64.eqz\n (i32.const 1))))", "2:3 i64.eqz"),
        ("(func (result i32)\n i64.const 0\n)", "3:1 )"),
        ("(func (result i32)\n (block (result i32)\n nop )\n)", "3:6 )"),
        ("(func\n (if (i32.const 1) (then\n i32.const 0) (else)))", "3:16 else"),
        ("(func\n block\n i32.const 0\n end)", "4:2 end"),
        ("(func\n i32.const 0 if i32.const 0\n else end)", "3:2 else"),
        ("(func (local i32 i32)\n (local (ref 7)))", "2:10 ref"),
        ("(func)\n(func (type 0)\n (call 9))", "3:3 call"),
        ("(func (loop (br 2)\n) (nop) (i32.load (i32.const 0)) drop)", "1:14 br"),
        ("(func) (export \"a\" (func 0))\n (export \"a\" (func 0))", "2:3 export"),
        ("(func)\n (export \"a\" (func 3))", "2:3 export"),
        ("(global i32 (i32.const 0))\n (global i32 (i64.const 0))", "2:3 global"),
        ("(type (func (param (ref 9))))", "1:2 type"),
        ("(type (func))\n (type\n (func (param (ref 9))))", "2:3 type"),
        ("(rec (type (func))\n (type (struct\n (field (ref 9)))))", "2:3 type"),
        ("(rec (type (func))\n (type (sub 0 (func))))", "2:3 type"),
        ("(table 1 funcref)\n(elem (table 0)\n (i64.const 0) func)", "2:2 elem"),
        ("(memory 1)\n(data (i64.const 0) \"a\")", "2:2 data"), ("(memory 2 1)", "1:2 memory"),
        ("(import \"m\" \"a\" (func))\n (import \"m\" \"b\" (memory 2 1))", "2:3 import"),
        ("(func (param i32))\n(start 0)", "2:2 start"), ("(table\n 2 1 funcref)", "1:2 table"),
        ("(type (struct))\n(func\n (drop (struct.get 0 0\n (ref.null 0))))", "3:9 struct.get"),
        ("(tag (result i32))", "1:2 tag"), ("(func)", "valid"),
        ("(module binary \"\\00asm\\0d\\00\\00\\00\")", "nowhere"),
    ])
    func ofErrors(text: String, place: String) throws {
        #expect(try marked(text) == place)
    }

    /// Of functions and instructions, and of nothing else, in the order of the module's code: each
    /// with the byte that is there, which is a body's number of groups of locals, or an opcode.
    @Test(arguments: [
        (
            "(module\n (global i32 (i32.const 5))\n (func (param i32)\n  (local i64)\n  nop)\n)",
            "1 3:3, 1 5:3, b 5:6"
        ),
        (
            "(func\n (drop\n  (i32.add (i32.const 1)\n   (i32.const 2))))\n(func)",
            "0 1:2, 41 3:13, 41 4:5, 6a 3:4, 1a 2:3, b 4:19, 0 5:2, b 5:6"
        ),
        ("(func (;é;) nop\n block end)", "0 1:2, 1 1:13, 2 2:2, b 2:8, b 2:11"),
        (
            "(func i32.const 1 if nop\nelse nop end)",
            "0 1:2, 41 1:7, 4 1:19, 1 1:22, 5 2:1, 1 2:6, b 2:10, b 2:13"
        ),
        ("(func nop", ""), ("(module)", ""), ("(module quote \"(func)\")", ""),
        ("(module binary \"\\00asm\\01\\00\\00\\00\")", ""),
    ])
    func ofCode(text: String, places: String) {
        let code = TextFormat.codePlaces(in: ByteStorage(Array(text.utf8)))
        let found = (code?.places ?? []).map { place in
            let byte = code?.module[place.offset] ?? 0
            return "\(String(byte, radix: 16)) \(place.line):\(place.column)"
        }
        #expect(found.joined(separator: ", ") == places)
    }

    /// Lines and columns do not depend on what else the text has.
    @Test func inLongTexts() throws {
        let padding = String(repeating: "(func (nop) ;; é\n)", count: 5_000)
        let text = padding + String(repeating: " ", count: 300) + "(func i32.eqz drop)"
        #expect(try marked(text) == "5001:308 i32.eqz")
    }
}
