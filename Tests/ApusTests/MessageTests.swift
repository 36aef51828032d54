import Apus
import Testing

/// Names that modules choose stay inside of the messages that quote them.
@Suite struct MessageTests {
    /// Clears a terminal, begins a line, reverses what follows: as the text format escapes it.
    private static let hostile = #"\u{1b}[2J\n\u{9b}1A\u{202e}x"#

    private func expectPlain(
        _ text: String, lines: Int = 1, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let bad: Set<Unicode.Scalar> = ["\u{1B}", "\u{9B}", "\u{202E}"]
        #expect(!text.unicodeScalars.contains { bad.contains($0) }, sourceLocation: sourceLocation)
        #expect(
            text.split(separator: "\n", omittingEmptySubsequences: false).count == lines,
            sourceLocation: sourceLocation)
        #expect(text.contains(Self.hostile), sourceLocation: sourceLocation)
    }

    private func error(_ text: String) -> (any Error)? {
        #expect(throws: (any Error).self) {
            let engine = Engine()
            let instance = try Linker(engine).instantiate(
                try Module(engine, text: text), in: Store(engine))
            _ = try instance.function("f").call([])
        }
    }

    /// They have their names, where the module gives them some.
    @Test func typesAndFields() throws {
        func message(_ body: String, type: String = "point") throws -> String {
            let text = "(module (type $\"\(type)\" (struct (field $x i32))) (func \(body)))"
            let error = #expect(throws: ModuleError.self) { try Module(Engine(), text: text) }
            return try #require(error).message
        }
        let set = "(param (ref 0)) (struct.set 0 0 (local.get 0) (i32.const 1))"
        #expect(try message(set) == "immutable field 0 (x) of type 0 (point)")
        let null = "(result (ref 0)) (ref.null 0)"
        #expect(
            try message(null)
                == "type mismatch: expected (ref $point), found (ref null $point)")
        expectPlain(try message(set, type: Self.hostile))
        expectPlain(try message(null, type: Self.hostile))
        let unnamed = #expect(throws: ModuleError.self) {
            try Module(
                Engine(), text: "(module (type (struct)) (func (result (ref 0)) (ref.null 0)))")
        }
        #expect(unnamed?.message == "type mismatch: expected (ref 0), found (ref null 0)")
    }

    @Test func traps() throws {
        let named = try #require(error("(func $\"\(Self.hostile)\" (export \"f\") unreachable)"))
        expectPlain("\(named)", lines: 2)
        let exported = try #require(
            error("(func (export \"\(Self.hostile)\") (export \"f\") unreachable)"))
        expectPlain("\(exported)", lines: 2)
    }

    /// They say what was thrown, by the tag's name in the name section, else by an export's.
    @Test func exceptions() throws {
        func message(_ tag: String) throws -> String {
            let function = "(func (export \"f\") (throw 1 (i32.const 5)))"
            return "\(try #require(error("(module (tag $other) \(tag) \(function))")))"
        }
        let named = try message("(tag $oops (export \"e\") (param i32))")
        #expect(named.hasPrefix("uncaught exception oops(i32(5))\n  at f "))
        let exported = try message("(tag (export \"e\") (export \"other\") (param i32))")
        #expect(exported.hasPrefix("uncaught exception e(i32(5))\n"))
        #expect(try message("(tag (param i32))").hasPrefix("uncaught exception (i32(5))\n"))
        expectPlain(try message("(tag $\"\(Self.hostile)\" (param i32))"), lines: 2)
        expectPlain(try message("(tag (export \"\(Self.hostile)\") (param i32))"), lines: 2)
    }

    @Test func imports() throws {
        let name = Self.hostile
        expectPlain("\(try #require(error("(import \"\(name)\" \"f\" (func))")))")
        expectPlain("\(try #require(error("(import \"m\" \"\(name)\" (func))")))")
        let engine = Engine()
        var linker = Linker(engine)
        linker.define("m", "\u{1B}[2J\n\u{9B}1A\u{202E}x") { (_: Int32) in }
        let mismatch = #expect(throws: LinkError.self) {
            try linker.instantiate(
                try Module(engine, text: "(import \"m\" \"\(name)\" (func))"), in: Store(engine))
        }
        expectPlain("\(try #require(mismatch))")
    }

    @Test func exports() throws {
        let name = Self.hostile
        let twice = "(func (export \"\(name)\") (export \"\(name)\"))"
        expectPlain(try #require(error(twice) as? ModuleError).message)
        let engine = Engine()
        let instance = try Linker(engine).instantiate(
            try Module(engine, text: "(global (export \"\(name)\") i32 (i32.const 1))"),
            in: Store(engine))
        for wanted in ["\u{1B}[2J\n\u{9B}1A\u{202E}x", "\u{1B}[2J\n\u{9B}1A\u{202E}xy"] {
            let missing = #expect(throws: ExportError.self) { try instance.function(wanted) }
            expectPlain("\(try #require(missing))")
        }
    }

    @Test func files() {
        let error = #expect(throws: FileError.self) {
            try Module(Engine(), contentsOf: "/nowhere/\u{1B}[2J\n\u{9B}1A\u{202E}x")
        }
        expectPlain("\(error?.description ?? "")")
    }

    @Test func excerptsOfTexts() throws {
        let error = #expect(throws: TextError.self) {
            try Module(Engine(), text: "(func ;; \u{9B}1A\u{202E}\n nonsense\u{9B} (; \u{202E} ;))")
        }
        let text = try #require(error).description
        #expect(
            !text.unicodeScalars.contains("\u{9B}") && !text.unicodeScalars.contains("\u{202E}"))
    }

    // MARK: Where it is

    @Test func invalidTextsAreFoundByLine() throws {
        let text = """
            (module
              (func $good)
              (func $bad (param i32)
                (local i64)
                local.get 0
                (i64.add (local.get 1)
                  (i32.const 1))
                drop
                drop))
            """
        let error = #expect(throws: ModuleError.self) { try Module(Engine(), text: text) }
        let found = try #require(error)
        #expect(found.place?.line == 6 && found.place?.column == 6)
        #expect(found.function == .init(index: 1, name: "bad"))
        #expect(
            found.description == """
                6:6: invalid module: type mismatch: expected i64, found i32, in function 1 (bad)
                      (i64.add (local.get 1)
                       ^~~~~~~
                """)
        #expect(throws: ModuleError.self) { try Module.validate(Engine(), text: text) }
    }
}
