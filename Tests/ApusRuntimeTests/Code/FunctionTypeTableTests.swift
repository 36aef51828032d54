import ApusFormat
import Testing

@testable import ApusRuntime

@Suite struct FunctionTypeTableTests {
    private func type(_ number: Int) -> FunctionType {
        let bits = (0..<10).map { number >> $0 & 1 == 0 ? ValueType.i32 : .i64 }
        return FunctionType(Array(bits[..<5]), Array(bits[5...]))
    }

    @Test func behavesAsADictionaryDoes() {
        var table = FunctionTypeTable()
        var model: [FunctionType: Int] = [:]
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let type = type(Int.random(in: 0..<1024, using: &random))
            if Bool.random(using: &random) {
                let (slot, isNew) = table.insert(type)
                #expect(isNew == (model[type] == nil))
                #expect(model[type] == nil || model[type] == slot)
                model[type] = slot
            } else if let slot = model.removeValue(forKey: type) {
                table.remove(slot)
            }
            #expect(table.find(type) == model[type])
        }
        #expect(table.count == model.count)
        #expect(Set(model.values).count == model.count)
        for (type, slot) in model { #expect(table.type(slot) == type) }
        #expect(table.slotCount <= 1024)
    }

    @Test func parametersAndResultsAreToldApart() {
        var table = FunctionTypeTable()
        let left = table.insert(FunctionType([.i32], [])).slot
        let right = table.insert(FunctionType([], [.i32])).slot
        #expect(left != right)
        #expect(table.type(-1) == nil && table.type(2) == nil)
    }
}
