import ApusCollections
import ApusFormat
import ApusText
import Testing

/// What stands on which line of a module that is printed.
@Suite struct PrintedModuleTests {
    @Test func linesOfInstructions() throws {
        let bytes = try TextFormat.parseModule(
            """
            (module
              (type (func (param i32)))
              (memory 1)
              (func $f (type 0) (local i64 f32)
                (block $out
                  (br_if $out (i32.const 0))
                  (@metadata.code.branch_hint "\\01") (if (local.get 0) (then nop) (else nop))))
              (func $g (param i32) (i32.store (i32.const 4) (local.get 0))))
            """)
        let printed = try TextFormat.printWithPlaces(ByteStorage(bytes))
        #expect(try printed.text == TextFormat.print(ByteStorage(bytes)))
        let lines = printed.text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.drop { $0 == " " } }
        let module = try ModuleDecoder.decode(ByteStorage(bytes))
        let heads = Set(module.bodies.map { Int($0.start) })
        let names: [UInt8: String] = [
            0x01: "nop", 0x02: "block", 0x04: "if", 0x05: "else", 0x0B: "end", 0x0D: "br_if",
            0x20: "local.get", 0x36: "i32.store", 0x41: "i32.const",
        ]
        for (offset, line) in printed.lines {
            let text = lines[line - 1]
            if heads.contains(offset) {
                #expect(text.hasPrefix("(func $"), "\(text)")
            } else {
                let name = try #require(names[bytes[offset]])
                let isLast = text == ")" && bytes[offset] == 0x0B
                #expect(isLast || text == name || text.hasPrefix(name + " "), "\(offset)")
            }
        }
        // Two functions, and their instructions.
        #expect(printed.lines.count == 2 + 11 + 4)
        #expect(zip(printed.lines, printed.lines.dropFirst()).allSatisfy { $0.offset < $1.offset })
    }
}
