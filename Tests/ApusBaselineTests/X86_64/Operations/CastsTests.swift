import ApusABI
import Testing

@Suite struct CastsTests {
    private static let types = """
        (type $a (sub (struct))) (type $b (sub final $a (struct (field i32))))
        """

    private static func test(_ type: String) throws -> FunctionCode {
        try FunctionCode(
            "(param anyref) (result i32) (ref.test (ref \(type)) (local.get 0))", in: types)
    }

    // MARK: Integers of 31 bits

    /// Twice the integer and a bit.
    @Test func integersAreMade() throws {
        let code = try FunctionCode("(param i32) (result (ref i31)) (ref.i31 (local.get 0))")
        #expect(code.body == ["lea eax, [rdi + 1*rdi + 1]"])
    }

    @Test(arguments: [("i31.get_s", "sar"), ("i31.get_u", "shr")])
    func integersAreRead(_ instruction: String, _ shift: String) throws {
        let code = try FunctionCode("(param i31ref) (result i32) (\(instruction) (local.get 0))")
        #expect(code.names == ["mov", "test", "je", shift])
        #expect(code.traps == [.nullIntegerReference])
    }

    // MARK: Tests

    /// The two lowest bits tell integers from objects.
    @Test func kindsAreInTheLowestBits() throws {
        #expect(try Self.test("i31").body.contains("test al, \(ObjectLayout.integerBit)"))
        let equal = try Self.test("eq")
        #expect(equal.body.contains("cmp r11d, \(ObjectLayout.handleTag)"))
        #expect(try Self.test("struct").body.contains("test al, \(ObjectLayout.tagMask)"))
    }

    /// A type that has no subtypes is compared with the object's, others with its supertypes, too.
    @Test func finalTypesAreComparedOnce() throws {
        #expect(try Self.test("$b").names.count { $0 == "cmp" } == 1)
        let open = try Self.test("$a")
        #expect(open.names.count { $0 == "cmp" } == 2)
        #expect(open.body.contains("shl r11, \(TypeField.recordSizeLog2)"))
    }

    /// Of the topmost type only null is to be asked, of the lowest there is nothing else.
    @Test func theEndsOfTheHierarchy() throws {
        let top = try FunctionCode(
            "(param anyref) (result i32) (ref.test anyref (local.get 0))")
        #expect(!top.names.contains("test"))
        #expect(try Self.test("any").names.prefix(3) == ["mov", "test", "je"])
        let bottom = try FunctionCode(
            "(param anyref) (result i32) (ref.test nullref (local.get 0))")
        #expect(bottom.names.prefix(3) == ["mov", "test", "jne"])
        #expect(try Self.test("none").names.prefix(2) == ["mov", "jmp"])
    }

    /// Records of functions have no tags.
    @Test func functionsHaveNoTags() throws {
        let code = try FunctionCode(
            "(param funcref) (result i32) (ref.test (ref $f) (local.get 0))",
            in: "(type $f (func))")
        #expect(!code.names.contains("and"))
        #expect(code.names.count { $0 == "test" } == 1)
    }

    // MARK: Casts

    /// What fits goes on where it is.
    @Test func castsTrapOrLeaveTheReference() throws {
        let code = try FunctionCode(
            "(param anyref) (result (ref $b)) (ref.cast (ref $b) (local.get 0))", in: Self.types)
        #expect(code.traps == [.castFailure])
        #expect(code.rest.first == "leave")
        // What nothing fits traps at once.
        let never = try FunctionCode(
            "(param anyref) (result (ref none)) (ref.cast (ref none) (local.get 0))")
        #expect(never.names == ["mov", "jmp"])
    }

    /// Where a reference fits, or does not, code branches aside.
    @Test func branches() throws {
        let onCast = try FunctionCode(
            """
            (param anyref)
            (block (result (ref i31)) (br_on_cast 0 anyref (ref i31) (local.get 0)) (return)) drop
            """)
        #expect(onCast.names.prefix(6) == ["mov", "test", "je", "test", "je", "jmp"])
        let onFailure = try FunctionCode(
            """
            (param anyref)
            (block (result anyref) (br_on_cast_fail 0 anyref (ref i31) (local.get 0)) (return)) drop
            """)
        #expect(onFailure.names.prefix(6) == ["mov", "test", "je", "test", "je", "jmp"])
    }
}
