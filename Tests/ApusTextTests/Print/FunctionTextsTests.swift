import ApusCollections
import ApusFormat
import Foundation
import Testing

@testable import ApusText

/// Functions that are printed one by one.
@Suite struct FunctionTextsTests {
    private static let text = """
        (module
          (import "host" "f" (func $imported (param i32)))
          (memory 1)
          (data (i32.const 0) "(func not this one)")
          (func $add (param $a i32) (param $b i32) (result i32)
            (i32.add (local.get $a) (local.get $b)))
          (func $loop (local i64)
            block $out
              loop $again
                i32.const 1
                (@metadata.code.branch_hint "\\00")
                br_if $again
                br $out
              end
            end))
        """

    private static func module() throws -> ByteStorage {
        ByteStorage(try TextFormat.parseModule(Self.text))
    }

    @Test func functionsAreAsInTheWholeText() throws {
        let module = try Self.module()
        let whole = try TextFormat.print(module)
        var functions = try FunctionTexts(module)
        for index in [2, 1, 2] {
            let lines = try #require(try functions.lines(ofFunction: index))
            let text = lines.map { $0.text + "\n" }.joined()
            #expect(whole.contains(text))
            #expect(text.hasPrefix(index == 1 ? "  (func $add" : "  (func $loop"))
            #expect(try TextFormat.print(function: UInt32(index), of: module) == text)
        }
        for index in [-1, 0, 3] { #expect(try functions.lines(ofFunction: index) == nil) }
    }

    /// Each line of an instruction says where that is, and the closing parenthesis is the last.
    @Test func linesKnowTheirInstructions() throws {
        let module = try Self.module()
        var functions = try FunctionTexts(module)
        let lines = try #require(try functions.lines(ofFunction: 2))
        let opcodes: [(String, UInt8)] = [
            ("block", 0x02), ("loop", 0x03), ("i32.const", 0x41), ("br_if", 0x0D), ("br ", 0x0C),
            ("end", 0x0B), (")", 0x0B),
        ]
        var last = 0
        for line in lines {
            let text = line.text.drop { $0 == " " }
            let opcode = opcodes.first { text.hasPrefix($0.0) }?.1
            #expect((line.offset == nil) == (opcode == nil), "\(line.text)")
            guard let offset = line.offset else { continue }
            #expect(module.span[offset] == opcode && offset > last, "\(line.text)")
            last = offset
        }
        #expect(lines.count { $0.offset == nil } == 3)
        #expect(lines.last?.text == "  )")
    }

    /// As whole modules, functions are refused that cannot be read.
    @Test func damagedModules() throws {
        let module = try Self.module()
        let bytes = module.span.indices.map { module.span[$0] }
        for count in 0..<bytes.count {
            let part = ByteStorage(Array(bytes[..<count]))
            guard (try? TextFormat.print(part)) == nil else { continue }
            // Functions need less than all of it, but never more.
            var functions = try? FunctionTexts(part)
            for index in 0..<4 { _ = try? functions?.lines(ofFunction: index) }
        }
        #expect(throws: ModuleError.self) { try FunctionTexts(ByteStorage(Array(bytes[..<20]))) }
        #expect(throws: ModuleError.self) { try FunctionTexts(ByteStorage([0, 1, 2, 3])) }
    }
}
