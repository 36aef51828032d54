import ApusCollections
import ApusText
import Testing

/// Scripts that name what there is not.
@Suite struct ScriptParserTests {
    @Test(arguments: [
        "(assert_return (invoke \"f\" (ref.null $t)))", "(assert_return (get \"g\") (ref.null $t))",
        "(module) (assert_return (invoke \"f\" (ref.null $\"t t\")))",
    ])
    func typesThatNoModuleHas(text: String) {
        let error = #expect(throws: TextError.self) {
            try TextFormat.parseScript(ByteStorage(Array(text.utf8)))
        }
        #expect(error?.message.hasPrefix("unknown type $") == true)
    }
}
