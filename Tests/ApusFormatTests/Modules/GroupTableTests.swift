import ApusFormat
import Testing

@Suite struct GroupTableTests {
    private func group(_ number: Int) -> GroupWords {
        let bits = (0..<10).map { number >> $0 & 1 == 0 ? ValueType.i32 : .i64 }
        return GroupWords(FunctionType(Array(bits[..<5]), Array(bits[5...])))
    }

    @Test func behavesAsADictionaryDoes() {
        var table = GroupTable()
        var model: [GroupWords: Int] = [:]
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let group = group(Int.random(in: 0..<1024, using: &random))
            if Bool.random(using: &random) {
                let (number, isNew) = table.insert(group)
                #expect(isNew == (model[group] == nil))
                #expect(model[group] == nil || model[group] == number)
                model[group] = number
            } else if let number = model.removeValue(forKey: group) {
                table.remove(number)
            }
            #expect(table.find(group) == model[group])
        }
        #expect(table.count == model.count)
        #expect(Set(model.values).count == model.count)
        for (group, number) in model { #expect(table[number] == group) }
        #expect(table.numberCount <= 1024)
    }

    @Test func parametersAndResultsAreToldApart() {
        var table = GroupTable()
        let left = table.insert(GroupWords(FunctionType([.i32], []))).number
        let right = table.insert(GroupWords(FunctionType([], [.i32]))).number
        #expect(left != right)
    }

    @Test func aLoneFunctionIsShown() {
        let type = FunctionType([.i32, .funcref], [.i64])
        #expect(GroupWords(type).loneFunction(.func) == type)
        var types = ModuleTypes()
        types.append(group: [SubType(.function(type), isFinal: false)])
        types.append(group: [SubType(.function(type)), SubType(.function(type))])
        for number in 0..<2 {
            var words = GroupWords()
            words.write(types.group(number), of: types) { HeapType(typeIndex: $0) }
            #expect(words.loneFunction(.func) == nil)
        }
    }
}
