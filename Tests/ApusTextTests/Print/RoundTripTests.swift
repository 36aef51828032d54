import ApusCollections
import ApusFormat
import ApusTestSupport
import ApusText
import Foundation
import Testing

/// What is printed is parsed to the same bytes.
@Suite struct RoundTripTests {
    private static func roundTrip(_ bytes: [UInt8]) throws -> [UInt8] {
        try TextFormat.parseModule(try TextFormat.print(ByteStorage(bytes)))
    }

    @Test(.enabled(if: !SuiteTexts.files.isEmpty), arguments: SuiteTexts.files)
    func modulesOfTheSuite(file: URL) throws {
        for (line, module) in try SuiteTexts.modules(file) {
            let place = "\(file.lastPathComponent):\(line)"
            do {
                var bytes = try module.bytes()
                // Modules that are written in bytes may have them in a form of their own.
                if case .binary = module.form { bytes = try Self.roundTrip(bytes) }
                #expect(try Self.roundTrip(bytes) == bytes, "\(place)")
            } catch {
                Issue.record("\(place): \(error)")
            }
        }
    }

    @Test func namesOfAllKinds() throws {
        let bytes = try TextFormat.parseModule(
            """
            (module $m
              (type $t (func (param i32)))
              (type $s (struct (field $x i8) (field (mut i64)) (field (@name "") i32)))
              (type (@name "an array") (array i8))
              (func $f (param $a i32) (local $b f32) (local i64 i64)
                block $l
                  loop $l
                    br $l
                  end
                  br $l
                end)
              (func $"two words" (@name "f") (type $t))
              (func (@name ""))
              (table $tab 1 funcref) (memory $mem 1) (global $g i32 (i32.const 1)) (tag $e)
              (elem $el func $f) (data $d "a\\00\\ff\\"")
              (@custom "mine" (after func) "x" "\\01")
              (@custom "last" "y"))
            """)
        let text = try TextFormat.print(ByteStorage(bytes))
        #expect(text.contains("(func $f (type"))
        #expect(text.contains("(@custom \"mine\" (after func) \"x\\01\")"))
        #expect(text.contains("br $l"))
        #expect(try TextFormat.parseModule(text) == bytes)
    }

    @Test func typesInGroups() throws {
        let bytes = try TextFormat.parseModule(
            """
            (module
              (rec (type $a (sub final $b (struct (field $x (mut i8)) (field (ref null $c)))))
                   (type $c (array (mut i16))))
              (type $b (sub (struct (field $x (mut i8)))))
              (rec)
              (rec (type $d (func (param (ref $d)))))
              (type $e (sub (func (param anyref i31ref nullref) (result (ref none) exnref)))))
            """)
        let text = try TextFormat.print(ByteStorage(bytes))
        #expect(
            text.contains(
                "(type $a (sub final $b (struct (field $x (mut i8)) (field (ref null $c)))))"))
        #expect(text.contains("(rec\n"))
        #expect(text.contains("(type $c (array (mut i16)))"))
        #expect(text.contains("(sub (func (param anyref i31ref nullref)"))
        #expect(try TextFormat.parseModule(text) == bytes)
    }

    /// A type alone in its group is the one that a function without a type has.
    @Test func groupsOfOneAreFound() throws {
        let bytes = try TextFormat.parseModule("(module (rec (type $t (func))) (func))")
        let module = try ModuleDecoder.decode(ByteStorage(bytes))
        #expect(module.types.count == 1 && module.functions == [0])
        let two = try TextFormat.parseModule(
            "(module (rec (type $t (func)) (type (func))) (type (sub (func))) (func))")
        #expect(try ModuleDecoder.decode(ByteStorage(two)).functions == [3])
    }

    @Test func instructionsOnAggregates() throws {
        let bytes = try TextFormat.parseModule(
            """
            (module
              (type $s (sub (struct (field $x (mut i8)) (field $y anyref))))
              (type $a (array (mut (ref null $s))))
              (global (ref $a) (ref.i31 (i32.const 1)) (struct.new_default $s)
                (array.new_fixed $a 1))
              (func (param $p anyref) (result i32)
                block $l (result (ref null $s))
                  local.get $p
                  br_on_cast $l anyref (ref null $s)
                  drop
                  ref.null $s
                end
                struct.get_s $s $x
                local.get $p
                ref.cast (ref i31)
                i31.get_u
                local.get $p
                ref.test nullref
                drop
                i32.add))
            """)
        let text = try TextFormat.print(ByteStorage(bytes))
        for line in [
            "br_on_cast $l (ref null any) (ref null $s)", "struct.get_s $s $x",
            "ref.cast (ref i31)", "ref.test (ref null none)", "array.new_fixed $a 1",
        ] { #expect(text.contains(line), "\(line)") }
        #expect(try TextFormat.parseModule(text) == bytes)
    }

    @Test func equalNamesBecomeDifferentIdentifiers() throws {
        let bytes = try TextFormat.parseModule(
            #"(module (func $a) (func (@name "a") call 0 call 1) (func (@name "a")))"#)
        let text = try TextFormat.print(ByteStorage(bytes))
        #expect(text.contains("$a.1 (@name \"a\")"))
        #expect(try TextFormat.parseModule(text) == bytes)
    }

    @Test func namesNeedNotBePrintable() throws {
        let bytes = try TextFormat.parseModule(
            #"(module (func $"\u{1b}[2J\u{202e}\n") (export "\u{9b}" (func 0)))"#)
        let text = try TextFormat.print(ByteStorage(bytes))
        #expect(text.contains(#"$"\u{1b}[2J\u{202e}\n""#) && text.contains(#""\u{9b}""#))
        #expect(try TextFormat.parseModule(text) == bytes)
    }

    /// A name is repeated wherever the thing is used, unless that would be long.
    @Test func longNamesAreWrittenOnce() throws {
        let name = String(repeating: "n", count: 10_000)
        let calls = String(repeating: "(call 0) (block $\(name) (br 0))", count: 100)
        let bytes = try TextFormat.parseModule("(module (func $\(name) \(calls)))")
        let text = try TextFormat.print(ByteStorage(bytes))
        #expect(text.contains("(@name \"\(name)\")") && text.contains("call 0"))
        #expect(text.utf8.count < 2 * bytes.count)
        #expect(try TextFormat.parseModule(text) == bytes)
    }

    /// Names that come again and again cannot be made identifiers one by one: the section stays
    /// what it is.
    /// The text says what it has no place for.
    @Test func namesOfUnknownKinds() throws {
        let module = try TextFormat.parseModule("(module (func $f))")
        // The last section's size lies before its name; it gets two more subsections.
        let size = try #require(module.lastIndex(of: UInt8(ascii: "n"))) - 2
        var bytes = module
        bytes[size] += 8
        bytes += [99, 3, 1, 2, 3, 100, 1, 0]
        let text = try TextFormat.print(ByteStorage(bytes))
        #expect(text.contains("(func $f"))
        #expect(
            text.contains(
                ";; of the name section: 2 subsections of unknown kinds, with 4 bytes, are not in"))
        #expect(try TextFormat.parseModule(text) == module)
    }

    @Test func namesOutOfOrder() throws {
        let start = threadTime()
        var names: [UInt8] = [0x01]
        let entries = [[UInt8]](repeating: [0, 1, UInt8(ascii: "a")], count: 100_000).flatMap(
            \.self)
        let count: [UInt8] = [0xA0, 0x8D, 0x06]
        names += Self.number(count.count + entries.count) + count + entries
        let contents = [4] + Array("name".utf8) + names
        let module =
            try TextFormat.parseModule("(module (func))") + [0]
            + Self.number(contents.count) + contents
        let text = try TextFormat.print(ByteStorage(module))
        #expect(text.contains("(@custom \"name\""))
        #expect(try TextFormat.parseModule(text) == module)
        #expect(threadTime() - start < .seconds(60))
    }

    private static func number(_ value: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        repeat {
            bytes.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
            rest >>= 7
        } while rest != 0
        return bytes
    }

    /// What a few bytes declare is not written out without end.
    @Test func textsAreBounded() throws {
        let locals = String(repeating: "i32 ", count: 40_000)
        let some = String(repeating: "(func (local \(locals)))", count: 10)
        let few = try TextFormat.parseModule(some)
        #expect(few.count < 200)
        #expect(try TextFormat.parseModule(try TextFormat.print(ByteStorage(few))) == few)
        var builder = ModuleBuilder()
        for _ in 0..<1_000 {
            builder.addFunction(FunctionType(), locals: [ValueType](repeating: .i32, count: 40_000))
            {
                _ in
            }
        }
        let error = #expect(throws: ModuleError.self) {
            try TextFormat.print(ByteStorage(builder.encode()))
        }
        #expect(error?.kind == .limit)
    }

    @Test func longTypesAreWrittenOnce() throws {
        let parameters = String(repeating: "i32 ", count: 1_000)
        let functions = String(repeating: "(func (type 0))", count: 10_000)
        let bytes = try TextFormat.parseModule("(type (func (param \(parameters)))) \(functions)")
        let text = try TextFormat.print(ByteStorage(bytes))
        #expect(text.utf8.count < 1_000_000)
        #expect(try TextFormat.parseModule(text) == bytes)
    }

    @Test func branchHintsStayWhereTheyAre() throws {
        let bytes = try TextFormat.parseModule(
            """
            (func (param i32)
              (if (local.get 0) (then))
              (@metadata.code.branch_hint "\\01") (if (local.get 0) (then (nop)))
              block local.get 0 (@metadata.code.branch_hint "\\00") br_if 0 end)
            """)
        let text = try TextFormat.print(ByteStorage(bytes))
        #expect(text.components(separatedBy: "branch_hint").count == 3)
        #expect(try TextFormat.parseModule(text) == bytes)
    }

    // MARK: Custom sections that could be something else

    private static func section(_ name: String, _ contents: [UInt8]) -> [UInt8] {
        [0, UInt8(name.utf8.count + contents.count + 1), UInt8(name.utf8.count)]
            + Array(name.utf8) + contents
    }

    private static let head: [UInt8] = [0, 0x61, 0x73, 0x6D, 1, 0, 0, 0]
    private static let types: [UInt8] = [1, 4, 1, 0x60, 0, 0]
    private static let functions: [UInt8] = [3, 2, 1, 0]
    /// `block`, `i32.const 0`, `br_if 0`, `end`.
    private static let code: [UInt8] = [
        10, 12, 1, 10, 0, 0x02, 0x40, 0x41, 0, 0x0D, 0, 0x0B, 0x01, 0x0B,
    ]

    /// Where names come first, what has them is a section like any other.
    @Test func namesBeforeOtherSections() throws {
        let names = Self.section("name", [1, 4, 1, 0, 1, UInt8(ascii: "f")])
        for parts in [
            [names, Self.types, Self.functions, Self.code],
            [Self.types, Self.functions, names, Self.code],
            [names, Self.types, Self.functions, Self.code, names],
        ] {
            let module = Self.head + parts.flatMap(\.self)
            let text = try TextFormat.print(ByteStorage(module))
            #expect(text.contains("(@custom \"name\" ("))
            #expect(text.contains("$f") == (parts.last == names))
            #expect(try TextFormat.parseModule(text) == module)
        }
    }

    /// Hints that are not of a branch, or not where a text has them, stay a section.
    @Test func hintsThatHaveNoPlace() throws {
        let name = "metadata.code.branch_hint"
        let good = Self.section(name, [1, 0, 1, 5, 1, 1])
        let other = Self.section("other", [])
        for bad: [UInt8] in [
            [], [0], [1, 0, 0], [1, 0, 1, 3, 1, 1], [1, 0, 1, 4, 1, 1], [1, 0, 1, 50, 1, 1],
            [1, 1, 1, 5, 1, 1], [1, 0, 2, 5, 1, 1, 5, 1, 1], [1, 0, 1, 5, 1, 1, 0],
        ] {
            let hints = Self.section(name, bad)
            let module = Self.head + Self.types + Self.functions + hints + Self.code
            #expect(try Self.roundTrip(module) == module, "\(bad)")
        }
        for parts in [
            [good, Self.types, Self.functions, Self.code],
            [Self.types, Self.functions, Self.code, good],
            [Self.types, Self.functions, good, other, Self.code],
            [Self.types, Self.functions, good, good, Self.code],
            [Self.types, Self.functions, other, good, Self.code, good],
        ] {
            let module = Self.head + parts.flatMap(\.self)
            #expect(try Self.roundTrip(module) == module)
        }
    }

    @Test func namesOfLegacyLabels() throws {
        let bytes = try TextFormat.parseModule(
            """
            (func
              try $a try (@name "") try (@name "two words") rethrow 0 delegate 0 end catch_all end
              (try $b (do (try (@name "") (do) (delegate $b)))))
            """)
        let text = try TextFormat.print(ByteStorage(bytes))
        #expect(text.contains("try (@name \"\")") && text.contains("try $\"two words\""))
        #expect(try TextFormat.parseModule(text) == bytes)
    }
}
