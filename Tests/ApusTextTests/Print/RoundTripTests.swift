import ApusCollections
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
              (type $s (struct (field $x i8) (field (mut i64))))
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

    @Test func equalNamesBecomeDifferentIdentifiers() throws {
        let bytes = try TextFormat.parseModule(
            #"(module (func $a) (func (@name "a") call 0 call 1) (func (@name "a")))"#)
        let text = try TextFormat.print(ByteStorage(bytes))
        #expect(text.contains("$a.1 (@name \"a\")"))
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
}
